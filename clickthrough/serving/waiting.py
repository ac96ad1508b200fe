"""The queue before scoring: bounded by how long a newcomer would wait.

A request that would wait too long is refused at once, before its body is decoded: refusing costs
little, so those that were taken keep their latency however many come. The wait is foretold by
what the requests before it took: so many, times the mean time between two answers while busy.
"""

import time

from starlette.types import ASGIApp, Receive, Scope, Send

from clickthrough.serving.limits import Setting, answer

_ALWAYS = 8
"""So many may be in the queue however slow they are: random arrivals at half of the capacity put
more there once in ten thousand times."""
_WEIGHT = 1 / 32
"""Of the newest in the mean."""
_SCORING = ("/predict", "/rank")


class Queue:
    """Counts those who wait for scoring or are being scored."""

    def __init__(self) -> None:
        self.waiting = 0
        self._each = 0.0
        self._since = 0.0

    def full(self, most_seconds: float) -> bool:
        """Say whether a newcomer would wait longer than that."""
        return self.waiting >= _ALWAYS and self.waiting * self._each > most_seconds

    def enter(self) -> None:
        """Wait, or be scored at once."""
        if not self.waiting:
            self._since = time.perf_counter()
        self.waiting += 1

    def leave(self) -> None:
        """Be answered, and thereby tell how long one takes."""
        now = time.perf_counter()
        self._each += (now - self._since - self._each) * _WEIGHT
        self._since = now
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http" or scope["path"] not in _SCORING:
            await self.app(scope, receive, send)
            return
        if self.queue.full(self.most() / 1e3):
            text = "the queue is full (serving.max_wait_ms); try again"
            await answer(send, 503, text, {"retry-after": "1"})
            return
        self.queue.enter()
        try:
            await self.app(scope, receive, send)
        finally:
            self.queue.leave()
