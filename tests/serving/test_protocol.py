"""Refusing before HTTP is parsed: the same connection, the same answers."""

import asyncio
import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import uvicorn
from fastapi import FastAPI

from clickthrough.serving.app import create_app
from clickthrough.serving.protocol import Shedding, asks_for_scores


def request(path: str, body: bytes, extra: str = "", method: str = "POST") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{extra}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


SMALL = request("/predict", b'{"impressions": [{}]}')


def test_only_whole_plain_requests_for_scores_are_seen_as_such() -> None:
    assert asks_for_scores(SMALL)
    assert asks_for_scores(request("/rank", b""))
    for other in [
        SMALL[:-1], SMALL + b"x", SMALL * 2, SMALL[:30], b"", request("/events", b""),
        request("/predict", b"{}", "Connection: close\r\n"),
        request("/predict", b"{}", "expect: 100-continue\r\n"),
        request("/predict", b"{}", "Transfer-Encoding: chunked\r\n"),
        request("/predict?x=1", b"{}"), request("/predicted", b"{}"),
        request("/predict", b"", method="GET"), b"POST /predict HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: x\r\n\r\ncontent-length: 0\r\n",
    ]:  # fmt: skip
        assert not asks_for_scores(other), other


@pytest.fixture
def app(bundle_path: Path) -> FastAPI:
    return create_app(bundle_path, "memory")


class Client:
    """A connection to the service under uvicorn, over a real socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self._reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, json.loads(body)

    async def ask(self, *parts: bytes) -> tuple[int, dict[str, str], Any]:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0.02)
        return await self.answer()


async def with_server(app: FastAPI, use: Any) -> None:  # noqa: ANN401
    config = uvicorn.Config(app, port=0, http=Shedding, log_level="warning")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    client = Client(*await asyncio.open_connection("127.0.0.1", port))
    try:
        await use(client)
    finally:
        client.writer.close()
        server.should_exit = True
        await running


def test_refusals_and_answers_alternate_on_one_connection(app: FastAPI) -> None:
    queue = app.state.queue.queue

    async def use(client: Client) -> None:
        entered, refused = Mock(wraps=queue.enter), Mock(wraps=queue.refuse)
        queue.enter, queue.refuse = entered, refused
        for turn in range(3):
            status, _, said = await client.ask(SMALL)
            assert (status, len(said["predictions"])) == (200, 1)
            queue.waiting, queue._each = 8, 1.0  # as if others were being scored
            assert (await client.ask(SMALL))[0] == 503
            status, headers, said = await client.ask(SMALL)  # with nothing left of the last one
            assert (status, headers["retry-after"]) == (503, "1")
            assert "serving.max_wait_ms" in said["detail"]
            # in two parts it is refused in the ordinary way, in the same words
            assert (await client.ask(SMALL[:70], SMALL[70:]))[2] == said
            health = await client.ask(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
            assert health[0] == 200
            queue.waiting, queue._each = 0, 0.0
            assert (entered.call_count, refused.call_count) == (turn + 1, turn + 1)

    asyncio.run(with_server(app, use))


def test_what_one_turn_of_the_loop_reads_is_counted_before_it_enters() -> None:
    from clickthrough.serving.waiting import LimitWait

    async def go() -> list[bool]:
        async def app(*_: object) -> None:
            raise AssertionError

        limit = LimitWait(app, lambda: 5.0)
        limit.queue._each = 1.0
        refused = [limit.refuses() for _ in range(12)]
        await asyncio.sleep(0)
        return [*refused, limit.refuses()]

    assert asyncio.run(go()) == [False] * 8 + [True] * 4 + [False]
