"""Events on their way to the recorder: one thread, in slices that scoring goes before.

Bodies that wait together are recorded in one transaction, each all or nothing. Between slices of
work the thread lets whoever is being scored go first, so that a backlog of events holds up nobody.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from clickthrough.features.rows import RawRow
from clickthrough.serving.admission import Refused
from clickthrough.serving.batcher import give
from clickthrough.serving.predictor import Predictor
from clickthrough.streaming.recorder import Receipt

_MOST_EVENTS = 512
"""Events of several bodies recorded together: what one transaction costs is then well shared."""
_PAUSE, _LONGEST_PAUSE = 0.0005, 0.02
"""Seconds: how often a pausing thread looks up, and after which it goes on in any case, so that
events get a tenth of a core that scoring would take whole."""

Read = Callable[[], list[RawRow]]
Answer = Receipt | Exception


@dataclass(eq=False, slots=True)
class _Body:
    """Events that wait to be read and recorded, at the latest begun with at a moment."""

    read: Read
    until: float
    answered: asyncio.Future[Receipt]


class EventQueue:
    """Records events on a thread of its own.

    Args:
        predictor: what records now.
        scoring: whether anybody waits to be scored.
    """

    def __init__(self, predictor: Callable[[], Predictor], scoring: Callable[[], bool]) -> None:
        self._predictor, self._scoring = predictor, scoring
        self._waiting: deque[_Body] = deque()
        self._thread = ThreadPoolExecutor(1, "recording")
        self._working = False

    async def record(self, read: Read, seconds: float) -> Receipt:
        """Record the events of a body, even if its sender goes: some send and do not wait.

        Args:
            read: reads them; called on the thread.
            seconds: within which they must be begun with.

        Raises:
            Refused: they were not.
            RequestError: an event is malformed.
            StoreError: they cannot be kept.
        """
        loop = asyncio.get_running_loop()
        body = _Body(read, time.monotonic() + seconds, loop.create_future())
        self._waiting.append(body)
        self._begin()
        return await asyncio.shield(body.answered)

    def _begin(self) -> None:
        if self._waiting and not self._working:
            self._working = True
            loop = asyncio.get_running_loop()
            loop.run_in_executor(self._thread, self._record_some).add_done_callback(self._tell)

    def _tell(self, done: asyncio.Future[list[tuple[_Body, Answer]]]) -> None:
        self._working = False
        for body, answer in done.result():
            give(body.answered, answer)
            if isinstance(answer, Exception):
                body.answered.exception()  # seen: its sender may have gone
        self._begin()

    def _record_some(self) -> list[tuple[_Body, Answer]]:
        """Record the first of the bodies that wait; return what became of each."""
        told: list[tuple[_Body, Answer]] = []
        taken: list[tuple[_Body, list[RawRow]]] = []
        events = 0
        while self._waiting and events < _MOST_EVENTS:
            body = self._waiting.popleft()
            if time.monotonic() > body.until:
                told.append(
                    (body, Refused("slow", "events wait too long (serving.max_events_wait)"))
                )
                continue
            try:
                taken.append((body, body.read()))
                events += len(taken[-1][1])
            except Exception as error:
                told.append((body, error))
            self._breathe()
        try:
            answers = self._predictor().observe_each([rows for _, rows in taken], self._breathe)
        except Exception as error:  # whoever sent them must hear of it
            return [*told, *((body, error) for body, _ in taken)]
        return [*told, *zip((body for body, _ in taken), answers, strict=True)]

    def _breathe(self) -> None:
        """Let those be scored who wait for it."""
        until = time.monotonic() + _LONGEST_PAUSE
        while self._scoring() and time.monotonic() < until:
            time.sleep(_PAUSE)
