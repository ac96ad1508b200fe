"""Asking a service: by a client, or in the event loop of a test, as a caller who may go away."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Message

Rows = list[dict[str, Any]]


def predicted(client: TestClient, rows: Rows) -> list[dict[str, Any]]:
    """Return what ``/predict`` says of each impression."""
    text = json.dumps({"impressions": rows})
    answered = client.post("/predict", content=text, headers={"content-type": "application/json"})
    assert answered.status_code == 200, answered.text
    made: list[dict[str, Any]] = answered.json()["predictions"]
    return made


@dataclass
class Caller:
    """One request, and what came of it."""

    path: str
    body: bytes
    status: int | None = None
    answer: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    whole: bool = True
    sent: list[tuple[bytes, bytes]] = field(
        default_factory=lambda: [(b"content-type", b"application/json")]
    )
    _asked: bool = False

    async def ask(self, app: ASGIApp) -> "Caller":
        """Send the request and wait for the end of the application's work on it."""
        scope = {
            "type": "http", "method": "POST", "path": self.path, "raw_path": self.path.encode(),
            "query_string": b"", "root_path": "", "scheme": "http", "http_version": "1.1",
            "headers": [*self.sent], "server": ("test", 80),
        }  # fmt: skip
        await app(scope, self.receive, self._send)
        return self

    @property
    def disconnected(self) -> bool:
        """Whether the caller has gone, as uvicorn's own channel tells."""
        return self.gone.is_set()

    @property
    def more_body(self) -> bool:
        """Whether the body is not here yet."""
        return not self.whole

    async def receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self.body, "more_body": not self.whole}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {n.decode(): v.decode() for n, v in message["headers"]}
        else:
            self.answer += message.get("body", b"")


def caller(path: str, body: Any) -> Caller:  # noqa: ANN401
    """Return a caller with a JSON body."""
    return Caller(path, json.dumps(body).encode())
