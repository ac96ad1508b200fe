"""Uvicorn's own protocols, whose connections a guard knows; nothing is parsed here.

uvicorn app:app --http clickthrough.serving.connections:GuardedProtocol
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from clickthrough.serving.guard import GUARD, Guard, Phase

_MOST_BESIDE, _MOST_PIPELINED = 65_536, 64
"""Bytes that are no body (a head, blank lines, what stands around chunks, trailers), and requests
that come before the first of them is answered."""
_A_CHUNK = 16
"""Bytes that may stand around each chunk of a body."""


class _Guarded:
    """What both of uvicorn's protocols get."""

    transport: asyncio.Transport
    exchanges: int
    seen: tuple[Phase, int]
    since: float
    cycle: Any
    app_state: dict[str, Any]
    timeout_keep_alive: float

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.exchanges = 0
        super().connection_made(transport)  # type: ignore[misc]
        self._guard: Guard | None = self.app_state.get(GUARD)
        if self._guard is not None:
            self.timeout_keep_alive = self._guard.idle_seconds  # 5 s by uvicorn's own
            self._guard.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)  # type: ignore[misc]
        if self._guard is not None:
            self._guard.remove(self)

    def on_response_complete(self) -> None:
        self.exchanges += 1
        super().on_response_complete()  # type: ignore[misc]

    def phase(self) -> Phase:
        """Say what the connection waits for."""
        if self.transport.get_write_buffer_size():
            return "write"
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            return "body" if cycle.more_body else "answer"
        return "head" if self._in_head() else "idle"

    def _in_head(self) -> bool:
        raise NotImplementedError


class GuardedH11(_Guarded, H11Protocol):  # type: ignore[misc]
    """Uvicorn's protocol in Python."""

    def _in_head(self) -> bool:
        return bool(self.conn.trailing_data[0])


GuardedProtocol: type[asyncio.Protocol] = GuardedH11
"""The faster of the two that can be had."""

with suppress(ImportError):
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class GuardedHttpTools(_Guarded, HttpToolsProtocol):  # type: ignore[misc]
        """Uvicorn's protocol in C, which bounds nothing of what is no body."""

        _head = False
        _beside = 0

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            """Begin to read."""
            self._begun: deque[Any] = deque()
            super().connection_made(transport)

        def connection_lost(self, error: Exception | None) -> None:
            """Tell every exchange; uvicorn tells the last, and the first would go on to write."""
            super().connection_lost(error)
            for cycle in self._begun:
                cycle.disconnected = True

        def data_received(self, data: bytes) -> None:
            """Read; too much that is no body ends the connection."""
            self._beside += len(data)
            super().data_received(data)
            self._beside = max(0, self._beside)
            if self._beside > _MOST_BESIDE:
                self.transport.abort()

        def on_message_begin(self) -> None:
            """Begin a head; too many of them before an answer end the connection.

            Raises:
                OverflowError: there are: what has come behind is not even parsed.
            """
            if len(self.pipeline) >= _MOST_PIPELINED:
                self.transport.abort()
                raise OverflowError("too many requests before the first is answered")
            self._head = True
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            """End a head."""
            self._head = False
            super().on_headers_complete()
            self._begun.append(self.cycle)

        def on_body(self, body: bytes) -> None:
            """Go on with a body, which has a bound of its own."""
            self._beside -= len(body) + _A_CHUNK
            super().on_body(body)

        def on_message_complete(self) -> None:
            """End a request."""
            self._beside = 0
            super().on_message_complete()

        def on_response_complete(self) -> None:
            """End an exchange; nothing is read before all that has come is answered."""
            self._begun.popleft()
            super().on_response_complete()
            if self.pipeline:
                self.flow.pause_reading()

        def _in_head(self) -> bool:
            return self._head

    GuardedProtocol = GuardedHttpTools
