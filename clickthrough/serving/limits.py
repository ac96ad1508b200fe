"""What one process takes on: bodies of a bounded size, a bounded number of requests at once."""

import json
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Setting = Callable[[], float]
"""A limit of the bundle that serves now; another one's may differ."""


class LimitBody:
    """Answers 413 to a body that is too large, before anything parses it.

    Args:
        app: the application behind.
        most: bytes.
    """

    def __init__(self, app: ASGIApp, most: Setting) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        most = self.most()
        if _declared_length(scope) > most:
            await self._refuse(send, most)
            return
        body = await whole_body(receive, most)
        if body is not None and len(body) > most:
            await self._refuse(send, most)
        elif body is not None:
            await self.app(scope, replayed(body, receive), send)

    async def _refuse(self, send: Send, most: float) -> None:
        text = f"the body is larger than {most} bytes (serving.max_body_bytes)"
        await answer(send, 413, text, {"connection": "close"})


class LimitInFlight:
    """Answers 503 at once when too many requests are being answered already.

    Args:
        app: the application behind.
        most: requests.
        but: a path that is always answered.
    """

    def __init__(self, app: ASGIApp, most: Setting, but: str = "") -> None:
        self.app = app
        self.but = but
        self.most = most
        self.in_flight = 0

    def refusal(self, arriving: int = 0) -> str | None:
        """Say why another request is to be refused, so many being about to come.

        Returns:
            None where there is room for it.
        """
        most = self.most()
        if self.in_flight + arriving < most:
            return None
        return f"{most} requests are in flight (serving.max_in_flight); try again"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] == self.but:
            await self.app(scope, receive, send)
            return
        if (why := self.refusal()) is not None:
            await answer(send, 503, why, {"retry-after": "1"})
            return
        self.in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.in_flight -= 1


async def answer(send: Send, status: int, detail: str, headers: dict[str, str]) -> None:
    """Send a small JSON answer, in the form of FastAPI's errors."""
    body = json.dumps({"detail": detail}).encode()
    all_headers = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    encoded = [(name.encode(), value.encode()) for name, value in all_headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def whole_body(receive: Receive, most: float | None = None) -> bytes | None:
    """Return the body of a request, None where the caller has gone.

    Args:
        receive: the request's channel.
        most: bytes after which no more is read.
    """
    message = await receive()
    chunks: list[bytes] = []
    size = 0
    while message["type"] != "http.disconnect":
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if not message.get("more_body", False) or (most is not None and size > most):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        message = await receive()
    return None


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives the body that was read, then goes on as before."""
    given = False

    async def channel() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return channel
