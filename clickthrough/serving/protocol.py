"""HTTP/1.1 for uvicorn that reads plain requests for scores by itself.

    uvicorn app:app --http clickthrough.serving.protocol:PlainProtocol

Reading a request and writing its answer takes uvicorn's own protocol longer than a small body takes
to be scored. Nearly all requests are of the plainest form and arrive whole: these are told by one
look, handed to the application, and answered in one write; while the queue is full they are refused
without that. All else goes uvicorn's way: every other route, method and form, and whatever comes
in parts. Both give the same answers (``tests/serving/test_protocol.py``).
"""

import asyncio
import json
from functools import lru_cache
from typing import Any, cast

import h11
from starlette.types import ASGIApp, Message, Scope
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.protocols.utils import get_client_addr, get_path_with_query_string

from clickthrough.serving.plain import PlainRequest, read_plain
from clickthrough.serving.waiting import REFUSAL

_TEXT = [(b"content-type", b"text/plain; charset=utf-8")]


class PlainProtocol(H11Protocol):
    """Uvicorn's own protocol, but for plain requests."""

    _held = b""

    def data_received(self, data: bytes) -> None:
        """Answer a plain request, refuse it, or read as ever."""
        if self._exchanging():
            self._held += data  # it has to wait for the answer before it
            self.flow.pause_reading()
            return
        request = read_plain(data) if self._between_requests() else None
        if request is None:
            super().data_received(data)
            return
        self._unset_keepalive_if_required()
        why = self.app_state[REFUSAL]() if request.scores and REFUSAL in self.app_state else None
        if why is None:
            self._exchange(request)
        else:
            self.transport.write(_refused(why))
            self._wait_for_more()

    def answered(self, *, keep_alive: bool) -> None:
        """Go on after a plain request was answered, or hang up."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if not keep_alive:
            self.conn.send(h11.ConnectionClosed())
            self.transport.close()
            return
        self._wait_for_more()
        if self._held:
            held, self._held = self._held, b""
            self.flow.resume_reading()
            self.data_received(held)

    def _exchanging(self) -> bool:
        cycle: object = self.cycle
        return isinstance(cycle, Exchange) and not cycle.response_complete

    def _between_requests(self) -> bool:
        idle = self.conn.our_state is h11.IDLE and self.conn.their_state is h11.IDLE
        # uvicorn counts, or waits until the caller has read what was written
        ordinary = self.limit_concurrency is not None or self.flow.write_paused
        return idle and not ordinary and self.conn.trailing_data == (b"", False)

    def _wait_for_more(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _exchange(self, request: PlainRequest) -> None:
        scope: Scope = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": "POST",
            "root_path": self.root_path,
            "path": self.root_path + request.head.path,
            "raw_path": (self.root_path + request.head.path).encode("ascii"),
            "query_string": b"",
            "headers": [*request.head.headers],
            "state": self.app_state.copy(),
        }
        exchange = Exchange(self, scope, request.body)
        self.cycle = exchange  # type: ignore[assignment]
        task = self.loop.create_task(exchange.run(cast(ASGIApp, self.app)))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)


@lru_cache(16)
def _refused(why: str) -> bytes:
    body = json.dumps({"detail": why}).encode()
    head = "503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1"
    return f"HTTP/1.1 {head}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


class Exchange:
    """A plain request and its answer, as ASGI has them."""

    def __init__(self, protocol: PlainProtocol, scope: Scope, body: bytes) -> None:
        self.disconnected = False
        self.response_complete = False
        self.keep_alive = True
        self.message_event = asyncio.Event()
        self._protocol = protocol
        self._scope = scope
        self._body: bytes | None = body
        self._start: Message | None = None
        self._sent: list[bytes] = []

    async def run(self, app: ASGIApp) -> None:
        """Have an application answer."""
        try:
            await app(self._scope, self.receive, self.send)
            if not self.response_complete and not self.disconnected:
                raise RuntimeError("the application gave no answer")
        except BaseException as error:
            self._protocol.logger.error("Exception in ASGI application\n", exc_info=error)
            if not self.response_complete:
                self.keep_alive = False
                self._write(500, _TEXT, b"Internal Server Error")

    async def receive(self) -> Message:
        """Give the body, then say when the caller has gone."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.disconnected and not self.response_complete:
            await self.message_event.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Keep the answer until it is whole, then write it."""
        if self.response_complete:
            raise RuntimeError(f"{message['type']} after the answer")
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is None:
            raise RuntimeError("the body of an answer before its head")
        self._sent.append(message.get("body", b""))
        if not message.get("more_body", False):
            self._write(self._start["status"], self._start["headers"], b"".join(self._sent))

    def _write(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.response_complete = True
        self.message_event.set()
        if self.disconnected:
            return
        if self._protocol.access_log:
            self._log(status)
        given = [*self._protocol.server_state.default_headers, *headers]
        if not any(name == b"content-length" for name, _ in headers):
            given.append((b"content-length", b"%d" % len(body)))
        lines = b"".join([b"%s: %s\r\n" % header for header in given])
        head = b"HTTP/1.1 %d %s\r\n%s\r\n" % (status, STATUS_PHRASES[status], lines)
        self._protocol.transport.write(head + body)
        self._protocol.answered(keep_alive=self.keep_alive)

    def _log(self, status: int) -> None:
        scope: Any = self._scope
        path = get_path_with_query_string(scope)
        asked = (get_client_addr(scope), scope["method"], path, scope["http_version"])
        self._protocol.access_logger.info('%s - "%s %s HTTP/%s" %d', *asked, status)
