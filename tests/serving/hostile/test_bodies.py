"""Work and answer are bounded by the bytes of a body, whatever stands in it."""

import json
import time

import pytest

from tests.serving.hostile.client import answer, connect, head, meanwhile, push, request
from tests.serving.hostile.floods import floods
from tests.serving.hostile.servers import SLOW, Server

KEYS = {
    "/predict": "impressions",
    "/rank": "candidates",
    "/events": "events",
    "/invocations": "impressions",
}
LARGEST_REFUSAL = 10_000
MOST_SECONDS = 5.0
"""A body of a megabyte takes some 50 ms of a free core; without a bound it took 25 s and more."""


@pytest.mark.parametrize("path", KEYS)
def test_a_flood_is_answered_soon_and_shortly(server: Server, path: str) -> None:
    for name, body in floods(KEYS[path]).items():
        began = time.monotonic()
        with connect(server.port) as one:
            assert push(one, request(path, body)), name
            status, said = answer(one)
        assert time.monotonic() - began < MOST_SECONDS, name
        assert status in (200, 400, 413, 422), (name, status)
        assert len(said) < (LARGEST_REFUSAL if status != 200 else 2 * len(body)), (name, status)
        json.loads(said)


@pytest.mark.parametrize("path", KEYS)
def test_ids_and_texts_are_kept_short(server: Server, path: str) -> None:
    named: dict[str, object] = (
        {"type": "impression", "display_id": "r1"} if path == "/events" else {}
    )
    for row, most in (({"uuid": "u" * 257}, b"256"), ({"platform": "m" * 4_097}, b"4,096")):
        status, said = server.ask(path, {KEYS[path]: [{**named, "ad": 1, **row}]})
        assert status == 422, said
        assert most in said


def test_floods_leave_others_their_service(server: Server) -> None:
    every = [(path, body) for path, key in KEYS.items() for body in floods(key).values()]
    turns = iter(every * 1_000)

    def attack() -> None:
        path, body = next(turns)
        with connect(server.port) as one:
            push(one, request(path, body))
            answer(one)

    with meanwhile(attack):
        for _ in range(15):
            server.works(1)


@pytest.mark.parametrize("path", KEYS)
def test_a_body_whose_end_is_not_told_is_cut_where_it_is_too_large(
    server: Server, path: str
) -> None:
    with connect(server.port) as one:
        push(one, head(path, "content-type: application/json", "transfer-encoding: chunked"))
        chunk = b"%x\r\n%s\r\n" % (60_000, b" " * 60_000)
        for _ in range(60):
            if not push(one, chunk):
                break
        push(one, b"0\r\n\r\n")
        assert answer(one)[0] == 413


@pytest.mark.parametrize("path", KEYS)
def test_who_sends_too_much_reads_why(server: Server, path: str) -> None:
    with connect(server.port) as one:
        assert push(one, request(path, b" " * 12_000_000)), "all of it is let come"
        status, said = answer(one)
    assert status == 413
    assert b"serving.max_" in said


@pytest.mark.parametrize("path", KEYS)
def test_who_asks_before_sending_too_much_is_told_before(server: Server, path: str) -> None:
    with connect(server.port) as one:
        lines = ["content-type: application/json", "content-length: 9000000"]
        push(one, head(path, *lines, "expect: 100-continue"))
        assert one.recv(12) == b"HTTP/1.1 413", "it is not told to go on"


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["content-type: text/plain", "content-length: 5000"], 415),
        (["content-type: application/json", "content-length: 9000000"], 413),
        (["content-type: application/json", "transfer-encoding: chunked"], 413),
    ],
)
def test_who_is_refused_is_told_before_all_is_sent(
    slow_bodies: Server, lines: list[str], status: int
) -> None:
    part = b"%x\r\n%s\r\n" % (1_100_000, b" " * 1_100_000) if "chunked" in lines[1] else b"{"
    with connect(slow_bodies.port) as one:
        push(one, head("/predict", *lines) + part)
        began = time.monotonic()
        assert answer(one)[0] == status
        assert time.monotonic() - began < SLOW / 2, "as soon as that is known"
