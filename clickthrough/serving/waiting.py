"""The queue before scoring: bounded by how long a newcomer would wait.

A request that would wait too long is refused at once, before its body is decoded: refusing costs
little, so those that were taken keep their latency however many come. The wait is foretold by
what the requests before it took: so many, times the mean time between two answers while busy.
"""

import asyncio
import time

from starlette.types import ASGIApp, Receive, Scope, Send

from clickthrough.serving.limits import Setting, answer

_ALWAYS = 8
"""So many may be in the queue however slow they are: random arrivals at half of the capacity put
more there once in ten thousand times."""
_WEIGHT = 1 / 32
"""Of the newest in the mean."""
REFUSES = "refuses"
"""By this name the state of the lifespan holds what says whether to refuse."""
FULL = "the queue is full (serving.max_wait_ms); try again"
_SCORING = ("/predict", "/rank")


class Queue:
    """Counts those who wait for scoring or are being scored."""

    def __init__(self) -> None:
        self.waiting = 0
        self._arriving = 0
        self._refused = 0
        self._each = 0.0
        self._since = 0.0

    def full(self, most_seconds: float) -> bool:
        """Say whether a newcomer would wait longer than that."""
        before = self.waiting + self._arriving
        return before >= _ALWAYS and before * self._each > most_seconds

    def expect(self) -> None:
        """Count a request that the server has read, until it enters when the loop turns."""
        if not self._arriving:
            asyncio.get_running_loop().call_soon(self._turn)
        self._arriving += 1

    def _turn(self) -> None:
        self._arriving = 0

    def refuse(self) -> None:
        """Count a refusal that took time: that of those who are being scored."""
        self._refused += 1

    def enter(self) -> None:
        """Wait, or be scored at once."""
        if not self.waiting:
            self._since, self._refused = time.perf_counter(), 0
        self.waiting += 1

    def leave(self) -> None:
        """Be answered, and thereby tell how long one takes."""
        now = time.perf_counter()
        own = (now - self._since) / (1 + self._refused)
        self._each += (own - self._each) * _WEIGHT
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

    def refuses(self) -> bool:
        """Say whether a request that the server has just read is to be refused; else expect it."""
        if self.queue.full(self.most() / 1e3):
            return True
        self.queue.expect()
        return False

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
