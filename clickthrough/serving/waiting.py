"""The queue before scoring: bounded by how long a newcomer would wait.

A request that would wait too long is refused at once, before its body is decoded: refusing costs
little, so those that were taken keep their latency however many come. The wait is foretold by
what the requests before it took: so many, times the mean time between two answers while busy.
"""

import asyncio
import time

from starlette.types import ASGIApp, Receive, Scope, Send

from clickthrough.serving.limits import Setting, answer

_ALWAYS = 6
"""So many may be in the queue however slow they are: random arrivals at half of the capacity put
more there once in a thousand times, and then wait as long as these."""
_LONGER, _BURST, _REGAINED = 2, 64, 50.0
"""In a burst, requests may wait so many times as long: so many of them, regained so many a second.
A burst passes by itself, and a process that stood still for a moment has one: only lasting overload
must be held off."""
_WEIGHT = 1 / 256
"""So much of what was measured is forgotten with every answer. Many are answered at once, and all
but the first of them seem to take no time."""
_MOMENT = 0.1
"""Seconds after which one who was expected does not come any more."""
_EARLY = 0.25
"""What refusing takes before HTTP is parsed, measured by what answering takes."""
REFUSAL = "refusal"
"""By this name the state of the lifespan holds what says why to refuse a request, if it does."""
FULL = "the queue is full (serving.max_wait_ms); try again"
_SCORING = ("/predict", "/rank")


class Queue:
    """Counts those who wait for scoring or are being scored."""

    def __init__(self) -> None:
        self.waiting = 0
        self.arriving = 0
        self._refused = 0.0
        self._time, self._work = 0.0, 1.0
        self._since = self._expected = 0.0
        self._burst, self._regained = float(_BURST), time.perf_counter()

    def full(self, most_seconds: float) -> bool:
        """Say whether a newcomer would wait longer than that, and is not of a burst."""
        before = self.waiting + self.arriving
        wait = before * self._time / self._work
        if before < _ALWAYS or wait <= most_seconds:
            return False
        return wait > _LONGER * most_seconds or not self._of_burst()

    def _of_burst(self) -> bool:
        now = time.perf_counter()
        regained = self._burst + (now - self._regained) * _REGAINED
        self._burst, self._regained = min(regained, float(_BURST)), now
        if self._burst < 1:
            return False
        self._burst -= 1
        return True

    def expect(self) -> None:
        """Count a request that the server has read, until it enters when the loop turns."""
        if not self.arriving:
            asyncio.get_running_loop().call_soon(self._turn)
            self._expected = time.perf_counter()
        self.arriving += 1

    def _turn(self) -> None:
        self.arriving = 0

    def refuse(self, share: float = 1.0) -> None:
        """Count a refusal: it took time of those who are being scored.

        Args:
            share: of the time that an answer takes.
        """
        self._refused += share

    def enter(self) -> None:
        """Wait, or be scored at once."""
        if not self.waiting:
            now = time.perf_counter()
            # reading those who came with it took time too
            self._since = self._expected if now - self._expected < _MOMENT else now
            self._refused = 0
        self.waiting += 1

    def leave(self) -> None:
        """Be answered, and thereby tell how long one takes."""
        now = time.perf_counter()
        self._time += now - self._since - _WEIGHT * self._time
        self._work += 1 + self._refused - _WEIGHT * self._work
        self._since, self._refused = now, 0
        self.waiting -= 1


class LimitWait:
    """Answers 503 at once to a request that would wait too long to be scored.

    Args:
        app: the application behind.
        most: milliseconds.
    """

    def __init__(self, app: ASGIApp, most: Setting) -> None:
        self.app = app
        self.most = most
        self.queue = Queue()

    def refusal(self) -> str | None:
        """Say why a request that the server has just read is to be refused; else expect it."""
        if self.queue.full(self.most() / 1e3):
            self.queue.refuse(_EARLY)
            return FULL
        self.queue.expect()
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http" or scope["path"] not in _SCORING:
            await self.app(scope, receive, send)
            return
        if self.queue.full(self.most() / 1e3):
            self.queue.refuse()
            await answer(send, 503, FULL, {"retry-after": "1"})
            return
        self.queue.enter()
        try:
            await self.app(scope, receive, send)
        finally:
            self.queue.leave()
