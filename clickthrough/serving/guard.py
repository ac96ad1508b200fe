"""Deadlines of connections, and a bound on their number.

Uvicorn has a time-out for idle connections alone. Here a head that does not become whole, an answer
that nobody takes and a connection that says nothing end too, and beyond a number of connections the
longest waiting make room for the newest, so that health is always answered.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Literal, Protocol

from clickthrough.config.serving import Serving
from clickthrough.serving.listening import ACCEPTED

GUARD = "guard"
"""By this name the state of the lifespan holds the guard."""
_EVERY = 0.25
"""Seconds between two looks: deadlines are of seconds."""
_ROOM = 20
"""A twentieth of the connections is closed at a time, so that a flood does not look at all of them
for each of its own."""
_SPARE_FILES = 96 + ACCEPTED
"""Files that are no connections: libraries, the store, the bundle, logs; and where it listens."""
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n"
    b"connection: close\r\ncontent-length: 60\r\n\r\n"
    b'{"detail": "too many connections (serving.max_connections)"}'
)

Phase = Literal["idle", "head", "body", "answer", "write"]
_log = logging.getLogger("clickthrough.serving")


class Connection(Protocol):
    """What the guard knows of a connection.

    Attributes:
        exchanges: how many requests were answered on it.
        seen: its phase and exchanges when it was looked at.
        since: when these began to be the same.
    """

    transport: asyncio.Transport
    exchanges: int
    seen: tuple[Phase, int]
    since: float

    def phase(self) -> Phase:
        """Say what the connection waits for."""


class Guard:
    """Knows every connection, and ends those that take too long.

    Args:
        limits: the settings that hold now.
    """

    def __init__(self, limits: Callable[[], Serving]) -> None:
        self._limits = limits
        self._most_files = _most_files()
        self._connections: set[Connection] = set()
        self._said = 0.0

    @property
    def idle_seconds(self) -> float:
        """How long a connection may say nothing between two requests."""
        return self._limits().idle_seconds

    async def go_on(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(_EVERY)
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """End every connection that is in one phase for too long."""
        limits = self._limits()
        allowed: dict[Phase, float] = {
            "idle": limits.idle_seconds,
            "head": limits.head_seconds,
            "body": limits.body_seconds + 2 * _EVERY,  # who reads it answers 408 before
            "write": limits.write_seconds,
        }
        for one in list(self._connections):
            phase = one.phase()
            if (phase, one.exchanges) != one.seen:
                one.seen, one.since = (phase, one.exchanges), now
            elif now - one.since > allowed.get(phase, float("inf")):
                one.transport.abort()

    def add(self, connection: Connection) -> None:
        """Know of a new connection, and make room for it."""
        connection.seen, connection.since = ("idle", 0), time.monotonic()
        most = min(self._limits().max_connections, self._most_files)
        if len(self._connections) >= most and not self._make_room(most):
            connection.transport.write(_FULL)
            connection.transport.close()
            return
        self._connections.add(connection)

    def remove(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    def _make_room(self, most: int) -> bool:
        """End those who wait longest for nothing of ours; say whether there were any."""
        now = time.monotonic()
        if now - self._said > 60:
            self._said = now
            _log.warning("%d connections: the longest idle are closed for new ones", most)
        waiting = [one for one in self._connections if one.phase() != "answer"]
        waiting.sort(key=lambda one: one.since)
        for one in waiting[: most // _ROOM + 1]:
            one.transport.abort()
            self._connections.discard(one)
        return bool(waiting)


def _most_files() -> int:
    """Return how many connections the limit of open files leaves room for."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return 1 << 30
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if soft == resource.RLIM_INFINITY else max(16, soft - _SPARE_FILES)
