"""Events on their way to the recorder: on a thread, in slices that scoring goes before.

Bodies that wait together are recorded in one transaction, each all or nothing. Between slices of
work the thread lets whoever is being scored go first, so that a backlog of events holds up nobody.
A few events that a store takes at once are recorded on the event loop: to wake a thread up, and to
hand Python's lock over and back, takes several times as long as they do.
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
from clickthrough.store.base import nothing
from clickthrough.streaming.recorder import Receipt

_MOST_EVENTS, _MOST_REMOTE = 512, 64
"""Events of several bodies recorded together: what one transaction costs is then well shared. On
another machine fewer: they are counted without a pause, and what a server writes at once, readers
wait for."""
_OF_BACKLOG, _OF_FEW, _PAUSE = (0.05, 0.001), (0.25, 0.002), 0.0005
"""Shares of a core that scoring would take whole, and seconds of them that are saved up. A backlog
gets a twentieth, and whoever scores never waits for more than a slice of it; a few events at a time
get what 1,500 of them a second take. A pausing thread looks up twice a millisecond."""
_FEW = 8_192
"""Bytes of a body that is soon recorded: a dozen impressions, or a hundred clicks, 1 or 2 ms."""

Read = Callable[[], list[RawRow]]
Answer = Receipt | Exception


@dataclass(eq=False, slots=True)
class _Body:
    """Events that wait to be read and recorded, at the latest begun with at a moment."""

    read: Read
    until: float
    answered: asyncio.Future[Receipt]


class _Share:
    """Seconds of work that may be done now: a share of all time, of which little is saved up."""

    def __init__(self, share: float, most: float) -> None:
        self._share, self._most = share, most
        self._left, self._looked = most, 0.0

    def left(self) -> float:
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._looked) * self._share)
        self._looked = now
        return self._left

    def spend(self, seconds: float) -> None:
        self._left = max(self.left() - seconds, -self._most)


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
        self._backlog, self._few, self._worked = _Share(*_OF_BACKLOG), _Share(*_OF_FEW), 0.0

    async def record(self, read: Read, size: int, seconds: float) -> Receipt:
        """Record the events of a body, even if its sender goes: some send and do not wait.

        Args:
            read: reads them; called on the thread where they are not few.
            size: bytes of the body.
            seconds: within which they must be begun with.

        Raises:
            Refused: they were not.
            RequestError: an event is malformed.
            StoreError: they cannot be kept.
        """
        loop = asyncio.get_running_loop()
        free = not (self._working or self._waiting) and self._predictor().is_soon
        if size <= _FEW and free and self._few.left() > 0:
            return self._record_now(read)
        body = _Body(read, time.monotonic() + seconds, loop.create_future())
        self._waiting.append(body)
        self._begin()
        return await asyncio.shield(body.answered)

    def _record_now(self, read: Read) -> Receipt:
        began = time.perf_counter()
        try:
            (answer,) = self._predictor().observe_each([read()], nothing)
        finally:
            self._few.spend(time.perf_counter() - began)
        if isinstance(answer, Exception):
            raise answer
        return answer

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
        events, most = 0, _MOST_REMOTE if self._predictor().is_remote else _MOST_EVENTS
        while self._waiting and events < most:
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
            predictor = self._predictor()
            answers = predictor.observe_each([rows for _, rows in taken], self._breathe)
            predictor.recorder.tidy(self._breathe)
        except Exception as error:  # whoever sent them must hear of it
            return [*told, *((body, error) for body, _ in taken)]
        return [*told, *zip((body for body, _ in taken), answers, strict=True)]

    def _breathe(self) -> None:
        """Let those be scored who wait for it, unless less than its share was worked on."""
        worked = time.thread_time()
        self._backlog.spend(worked - self._worked)
        self._worked = worked
        while self._backlog.left() < 0 and self._scoring():
            time.sleep(_PAUSE)
