"""Plain requests over a real socket: answered as uvicorn's own protocol answers them."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from clickthrough.serving.app import create_app
from clickthrough.serving.limits import LimitInFlight
from clickthrough.serving.predictor import Scored
from clickthrough.serving.protocol import PlainProtocol
from clickthrough.serving.waiting import LimitWait
from tests.serving.test_plain import OTHERS, request

SMALL = request("/predict", b'{"impressions": [{"ad": 100}]}')
LARGE = request(
    "/rank", json.dumps({"context": {"display_id": "r"}, "candidates": [{}] * 40}).encode()
)
LIVE = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
Answer = tuple[int, dict[str, str], Any]


@pytest.fixture(scope="module", autouse=True)
def _one_moment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: 1_704_990_000_000_000_000)
        yield


@pytest.fixture(scope="module")
def app(bundle_path: Path) -> FastAPI:
    made = create_app(bundle_path, "memory")
    made.state.current.limits.__dict__.update(max_in_flight=64, max_wait_ms=10_000.0)
    return made


class Client:
    """A connection to the service under uvicorn, over a real socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0.02)

    async def answer(self) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:] if line)
        }
        headers.pop("date", None)
        text = (await self._body(headers)).decode()
        # how a refusal ends differs where nothing was parsed before it: both end
        headers.pop("transfer-encoding", None)
        said = json.loads(text) if headers.get("content-type") == "application/json" else text
        return int(head[0].split()[1]), headers, said

    async def _body(self, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return await self._reader.readexactly(int(headers["content-length"]))
        if "transfer-encoding" not in headers:
            return await self._reader.read()
        body = b""
        while size := int(await self._reader.readline(), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readline()
        await self._reader.readline()
        return body

    async def answers(self) -> list[Answer]:
        """Return all that comes until the server hangs up or is silent."""
        found: list[Answer] = []
        try:
            while True:
                found.append(await asyncio.wait_for(self.answer(), 0.3))
        except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
            return found

    async def ask(self, *parts: bytes) -> Answer:
        await self.send(*parts)
        return await self.answer()


Connect = Callable[[], Awaitable[Client]]
Protocol = type[H11Protocol]


async def with_server(
    app: ASGIApp,
    use: Callable[[Connect], Awaitable[Any]],
    http: Protocol = PlainProtocol,
    **options: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    config = uvicorn.Config(app, port=0, http=http, log_level="critical", **options)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    clients: list[Client] = []

    async def connect() -> Client:
        clients.append(Client(*await asyncio.open_connection("127.0.0.1", port)))
        return clients[-1]

    try:
        return await use(connect)
    finally:
        for client in clients:
            client.writer.close()
        server.should_exit = True
        await running


def said(app: ASGIApp, http: Protocol, talks: Sequence[Sequence[bytes]]) -> list[list[Answer]]:
    """Return what is answered to each talk: what one connection sends, part by part."""

    async def use(connect: Connect) -> list[list[Answer]]:
        async def talk(parts: Sequence[bytes]) -> list[Answer]:
            client = await connect()
            await client.send(*parts)
            return await client.answers()

        return await asyncio.gather(*(talk(parts) for parts in talks))

    return list(asyncio.run(with_server(app, use, http)))


TALKS: list[list[bytes]] = [
    [SMALL], [LARGE], [SMALL, LARGE, LIVE, SMALL], [SMALL + SMALL], [SMALL * 5],
    [SMALL[:1], SMALL[1:]], [SMALL[:60], SMALL[60:]], [SMALL[:-1], SMALL[-1:]],
    [SMALL + LARGE[:50], LARGE[50:]], [LARGE + LIVE + SMALL], [LIVE + SMALL], [LIVE, SMALL],
    [request("/predict", b"{")], [request("/predict", b"")], [request("/rank", b"[]"), SMALL],
    [request("/events", b'{"events": []}'), SMALL],
    [request("/predict", b'{"impressions": [{"ad": "seven"}]}'), SMALL],
    [request("/predict", b" " * 100_001)], [request("/predict", b" " * 99_990)],
    [request("/predict", SMALL[-30:], "Accept: */*", "User-Agent: a b")],
]  # fmt: skip


def test_plain_requests_are_answered_as_by_the_full_parser(app: FastAPI) -> None:
    expected = said(app, H11Protocol, TALKS)
    found = said(app, PlainProtocol, TALKS)
    for talk, one, other in zip(TALKS, found, expected, strict=True):
        assert one == other, talk
    assert [len(answers) for answers in found[:5]] == [1, 1, 4, 2, 5]
    assert {answer[0] for answers in found for answer in answers} == {200, 413, 422}


def test_other_requests_are_answered_as_by_the_full_parser(app: FastAPI) -> None:
    talks = [[SMALL, data] for data in OTHERS]
    assert said(app, PlainProtocol, talks) == said(app, H11Protocol, talks)


def test_plain_requests_pass_the_full_parser_by(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = H11Protocol.data_received
    parsed = create_autospec(own, side_effect=own)
    monkeypatch.setattr(H11Protocol, "data_received", parsed)
    assert [len(answers) for answers in said(app, PlainProtocol, [[SMALL, LARGE]])] == [2]
    assert parsed.call_count == 0
    assert [len(answers) for answers in said(app, PlainProtocol, [[SMALL, LIVE]])] == [2]
    assert parsed.call_count == 1


def test_refusals_and_answers_alternate_on_one_connection(app: FastAPI) -> None:
    queue = app.state.queue.queue

    async def use(connect: Connect) -> None:
        client = await connect()
        entered, refused = Mock(wraps=queue.enter), Mock(wraps=queue.refuse)
        queue.enter, queue.refuse = entered, refused
        for turn in range(3):
            status, _, answer = await client.ask(SMALL)
            assert (status, len(answer["predictions"])) == (200, 1)
            queue.waiting, queue._time = 8, 1e6  # as if others were being scored
            assert (await client.ask(SMALL))[0] == 503
            status, headers, answer = await client.ask(SMALL)  # with nothing left of the last one
            assert (status, headers["retry-after"]) == (503, "1")
            assert "serving.max_wait_ms" in answer["detail"]
            # in two parts it is refused in the ordinary way, in the same words
            assert (await client.ask(SMALL[:70], SMALL[70:]))[2] == answer
            assert (await client.ask(LIVE))[0] == 200
            queue.waiting, queue._time = 0, 0.0
            assert (entered.call_count, refused.call_count) == (turn + 1, 3 * (turn + 1))

    asyncio.run(with_server(app, use))


def test_too_many_in_flight_are_refused_before_http_is_parsed(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = LimitInFlight.__call__
    came = create_autospec(own, side_effect=own)
    monkeypatch.setattr(LimitInFlight, "__call__", came)
    monkeypatch.setattr(app.front, "in_flight", 64)  # type: ignore[attr-defined]
    ((answer,),) = said(app, PlainProtocol, [[SMALL]])
    assert (answer[0], answer[1]["retry-after"]) == (503, "1")
    assert "serving.max_in_flight" in answer[2]["detail"]
    assert [call.args[1]["type"] for call in came.call_args_list] == ["lifespan"]


def test_what_one_turn_of_the_loop_reads_is_counted_before_it_enters() -> None:
    async def go() -> list[bool]:
        async def app(*_: object) -> None:
            raise AssertionError

        limit = LimitWait(app, lambda: 5.0)
        limit.queue._time = 1.0
        refused = [limit.refusal() is not None for _ in range(10)]
        await asyncio.sleep(0)
        return [*refused, limit.refusal() is not None]

    assert asyncio.run(go()) == [False] * 6 + [True] * 4 + [False]


def test_what_is_sent_before_the_answer_waits_for_it(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = app.state.current.predictor
    monkeypatch.setattr(predictor, "row_seconds", 1.0)  # on a thread
    own, begun = predictor.predict_each, []

    def predict_each(bodies: Any) -> list[Scored]:  # noqa: ANN401
        begun.append(len(bodies))
        time.sleep(0.1)
        made: list[Scored] = own(bodies)
        return made

    monkeypatch.setattr(predictor, "predict_each", predict_each)
    (answers,) = said(app, PlainProtocol, [[SMALL, SMALL + LIVE[:10], LIVE[10:]]])
    assert [answer[0] for answer in answers] == [200, 200, 200]
    assert begun == [1, 1]


def test_who_hangs_up_is_passed_over(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = app.state.current.predictor
    monkeypatch.setattr(predictor, "row_seconds", 1.0)
    own, rows = predictor.predict_each, []

    def predict_each(bodies: Any) -> list[Scored]:  # noqa: ANN401
        rows.append(sum(map(len, bodies)))
        time.sleep(0.2)
        made: list[Scored] = own(bodies)
        return made

    monkeypatch.setattr(predictor, "predict_each", predict_each)

    async def use(connect: Connect) -> None:
        first, leaving, staying = [await connect() for _ in range(3)]
        three = request("/predict", b'{"impressions": [{}, {}, {}]}')
        for client, asked in ((first, SMALL), (leaving, SMALL), (staying, three)):
            await client.send(asked)
        leaving.writer.close()
        assert (await first.answer())[0] == (await staying.answer())[0] == 200

    asyncio.run(with_server(app, use))
    assert rows == [1, 3]


class Broken:
    """An application that fails in several ways."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        how = (await receive())["body"]
        if how == b"raise":
            raise ValueError("broken")
        if how == b"parts":
            await send({"type": "http.response.start", "status": 201, "headers": []})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await send({"type": "http.response.body", "body": b"b"})


@pytest.mark.parametrize("how", ["raise", "nothing"])
def test_a_failing_application_is_answered_for(how: str) -> None:
    talk = [request("/predict", how.encode())]
    ((answer,),) = said(Broken(), PlainProtocol, [talk])
    ((expected,),) = said(Broken(), H11Protocol, [talk])
    assert (answer[0], answer[2]) == (expected[0], expected[2]) == (500, "Internal Server Error")


def test_an_answer_in_parts_is_written_whole() -> None:
    parts, again = request("/predict", b"parts"), request("/rank", b"parts")
    (answers,) = said(Broken(), PlainProtocol, [[parts, again]])
    assert [(status, text) for status, _, text in answers] == [(201, "ab")] * 2


def test_with_an_access_log_every_request_is_in_it(app: FastAPI) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("uvicorn.access")

    async def use(connect: Connect) -> None:
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            client = await connect()
            assert (await client.ask(SMALL))[0] == 200
        finally:
            log.removeHandler(handler)

    asyncio.run(with_server(app, use, log_config=None))
    assert [line.split('"')[1] for line in lines] == ["POST /predict HTTP/1.1"]


def test_who_is_being_answered_at_the_end_is_answered(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = app.state.current.predictor
    monkeypatch.setattr(predictor, "row_seconds", 1.0)
    own = predictor.predict_each

    def predict_each(bodies: Any) -> list[Scored]:  # noqa: ANN401
        time.sleep(0.3)
        made: list[Scored] = own(bodies)
        return made

    monkeypatch.setattr(predictor, "predict_each", predict_each)

    async def go() -> Answer:
        answered: list[asyncio.Task[Answer]] = []

        async def use(connect: Connect) -> None:
            client = await connect()
            await client.send(SMALL)
            answered.append(asyncio.create_task(client.answer()))
            client.writer.close = lambda: None  # type: ignore[method-assign]

        await with_server(app, use)
        return await answered[0]

    assert asyncio.run(go())[0] == 200
