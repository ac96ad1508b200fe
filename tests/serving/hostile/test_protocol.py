"""What is no good HTTP is refused, and what is unusual HTTP is answered as usual."""

import json
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.serving.hostile.client import (
    JSON,
    answer,
    connect,
    ends,
    head,
    push,
    request,
    reset,
    several,
)
from tests.serving.hostile.servers import (
    BY_THEN,
    LIMITS,
    ORDINARY,
    Server,
    end,
    serving,
    start,
)

BODY = json.dumps(ORDINARY["/predict"]).encode()


def status_of(server: Server, data: bytes) -> int:
    with connect(server.port) as one:
        push(one, data)
        return answer(one)[0]


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        'APPLICATION/JSON;charset="UTF-8"',
        "application/vnd.api+json",
    ],
)
def test_json_is_json_whatever_else_its_name_says(server: Server, kind: str) -> None:
    sent = head("/predict", f"content-type: {kind}", f"content-length: {len(BODY)}") + BODY
    assert status_of(server, sent) == 200


def test_a_body_in_chunks_of_a_byte_is_answered_as_one(server: Server) -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY)
    sent = head("/predict", JSON, "transfer-encoding: chunked") + chunks + b"0\r\n\r\n"
    assert status_of(server, sent) == 200


def test_a_body_that_comes_byte_by_byte_is_answered(server: Server) -> None:
    with connect(server.port) as one:
        for byte in request("/predict", BODY):
            push(one, bytes([byte]))
        assert answer(one)[0] == 200


def test_pipelined_requests_are_answered_in_their_order(server: Server) -> None:
    with connect(server.port) as one:
        push(one, request("/predict", BODY) + head("/predict", method="GET"))
        both = b""
        while both.count(b"HTTP/1.1") < 2 or not both.endswith(b"}"):
            both += one.recv(65_536)
    assert both.index(b"HTTP/1.1 200") < both.index(b"HTTP/1.1 405")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff\x16\x03\x01" * 100,
        b"GET\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabc",
        b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + b"f" * 40,
    ],
)
def test_what_is_no_http_is_refused(server: Server, data: bytes) -> None:
    with connect(server.port) as one:
        push(one, data)
        assert answer(one)[0] in (0, 400, 404, 405, 411, 413, 415, 422, 431, 505)
    server.works(1)


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/model", "/metrics", "/health"])
def test_pages_are_answered_to_those_who_break_off(server: Server, path: str) -> None:
    for _ in range(20):
        with connect(server.port) as one:
            push(one, head(path, method="GET"))
            reset(one)
    assert server.ask(path)[0] == 200


def test_no_answer_tells_a_place_of_this_machine(server: Server, bundle_path: Path) -> None:
    for path in ("/model", "/health", "/metrics", "/openapi.json", "/unknown"):
        _, said = server.ask(path)
        assert str(bundle_path.parent).encode() not in said, path
    bodies: list[object] = [[], {}, {"impressions": 1}, {"candidates": [{"ad": "x"}]}]
    for path in ORDINARY:
        for body in bodies:
            _, said = server.ask(path, body)
            assert b"/clickthrough/" not in said, said[:300]
            assert b"Traceback" not in said


def test_more_connections_than_files_are_survived(bundle_path: Path, tmp_path: Path) -> None:
    env = {**LIMITS, "CTR_MAX_CONNECTIONS": "100000", "CTR_IDLE_SECONDS": "60"}
    with serving("serve", bundle_path, tmp_path, env, files=160) as server:
        with several(server.port, 400) as held:
            for _ in range(3):
                server.works(1)
            assert ends(held[0], BY_THEN)
        server.works(1)
        assert server.said().count("the longest idle are closed") == 1
        assert "Too many open files" not in server.said()


def test_plain_uvicorn_says_in_a_line_what_it_cannot_hold(
    uvicorn_process: Server, serve_process: Server
) -> None:
    assert uvicorn_process.said().count("plain uvicorn: ") == 1
    assert "plain uvicorn: " not in serve_process.said()


@pytest.mark.slow
def test_several_workers_cannot_count_in_the_memory_of_each(
    bundle_path: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    env = {"CTR_BUNDLE": str(bundle_path), "CTR_STORE": "memory", "WEB_CONCURRENCY": "2"}
    process = start("uvicorn", free_port(), log, env)
    try:
        process.wait(60)
    finally:
        end(process)
    said = log.read_text()
    assert "Traceback" not in said
    assert said.count("clickthrough: ") >= 1
    assert "memory" in said
