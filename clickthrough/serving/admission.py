"""Admission: what the service takes on at a time; one layer, asked once a request.

A place to be scored is held from the moment a body is whole until its answer is computed: reading
and writing hold none, for a caller can make them last. A newcomer who would wait too long for those
before it is refused at once, before its body is decoded, so those that were taken keep their
latency however many come. Events have places of their own.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from clickthrough.config.serving import Serving

_ALWAYS = 6
"""So many are let in however slow they are. Random arrivals at half of the capacity find more
before them once in 2,000 times, and at the bound a request takes 1.6 times the p99 of that load."""
_BURST, _REGAINED, _LONGER = 64.0, 50.0, 2.0
"""A process that stood still for 20 ms finds some 60 requests at once. So many may wait twice as
long, regained at 50 a second: a burst passes by itself, only lasting overload must be held off."""
_MOST_READ = 64_000_000
"""Bytes of bodies in parts that are held at a time: with deadlines, what slow senders can cost."""


Kind = Literal["scoring", "events"]


class Refused(Exception):  # noqa: N818 - an answer, not an error
    """A request that is turned away.

    Attributes:
        cause: one word, for metrics.
        detail: what the caller is told.
        status: of the answer; 503 for who should try again.
    """

    def __init__(self, cause: str, detail: str, status: int = 503) -> None:
        super().__init__(detail)
        self.cause, self.status = cause, status
        self.detail = f"{detail}; try again" if status == 503 else detail


class Admission:
    """Counts what is being worked on, and refuses what would be too much.

    Args:
        limits: the settings that hold now.
        waiting_seconds: about how long it takes to score all who wait.
        patience: how many times as many may wait, and as long; more than 1 during a reload.
    """

    def __init__(
        self,
        limits: Callable[[], Serving],
        waiting_seconds: Callable[[], float],
        patience: Callable[[], int],
    ) -> None:
        self.scoring = self.events = 0
        self._limits, self._waiting_seconds, self._patience = limits, waiting_seconds, patience
        self._reading = 0
        self._burst, self._regained = _BURST, time.monotonic()

    def in_flight(self) -> dict[str, int]:
        """Return how many requests of each kind hold a place."""
        return {"scoring": self.scoring, "events": self.events}

    def enter(self, kind: Kind) -> None:
        """Take a place, to be given back by :meth:`leave`.

        Args:
            kind: whether a body is to be scored, or events to be recorded.

        Raises:
            Refused: there is none, or the wait would be too long.
        """
        if kind == "scoring":
            self._refuse_too_many()
            self.scoring += 1
            return
        most = self._limits().max_events_in_flight
        if self.events >= most:
            text = f"{most} bodies of events are in flight (serving.max_events_in_flight)"
            raise Refused("in_flight", text)
        self.events += 1

    def leave(self, kind: Kind) -> None:
        """Give a place back."""
        if kind == "scoring":
            self.scoring -= 1
        else:
            self.events -= 1

    @contextmanager
    def reading(self) -> Iterator[Callable[[int], None]]:
        """Count the bytes of a body that comes in parts; yields what is told of each part.

        Raises:
            Refused: too much is held for slow senders already.
        """
        held = 0

        def take(size: int) -> None:
            nonlocal held
            held += size
            self._reading += size
            if self._reading > _MOST_READ:
                raise Refused("reading", "too many bodies are being sent in parts")

        try:
            yield take
        finally:
            self._reading -= held

    def _refuse_too_many(self) -> None:
        limits, patience = self._limits(), self._patience()
        if self.scoring >= limits.max_in_flight * patience:
            text = f"{limits.max_in_flight} requests are in flight (serving.max_in_flight)"
            raise Refused("in_flight", text)
        if self.scoring < _ALWAYS:
            return
        most = limits.max_wait_ms * patience / 1e3
        wait = self._waiting_seconds()
        if wait > most and (wait > _LONGER * most or not self._of_burst()):
            raise Refused("wait", "the queue is full (serving.max_wait_ms)")

    def _of_burst(self) -> bool:
        now = time.monotonic()
        self._burst = min(self._burst + (now - self._regained) * _REGAINED, _BURST)
        self._regained = now
        if self._burst < 1:
            return False
        self._burst -= 1
        return True
