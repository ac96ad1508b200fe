"""Under the service's own protocols every wait for somebody else has its end."""

import socket
import threading

import pytest

from clickthrough.serving.listening import ACCEPTED
from tests.serving.hostile.client import (
    JSON,
    answer,
    asked,
    break_off,
    connect,
    ends,
    fill,
    head,
    meanwhile,
    push,
    reset,
    several,
)
from tests.serving.hostile.servers import BIG_RANK, BY_THEN, MOST_CONNECTIONS, ORDINARY, Server

MANY = 100


def all_end(held: list[socket.socket], seconds: float = BY_THEN) -> bool:
    return all(ends(one, seconds) for one in held)


BEGUN = [b"", b"P", b"POST /predict HTTP/1.1\r\nhost", b"\r\n\r\n"]


def test_a_head_that_never_ends_is_hung_up_on(guarded: Server) -> None:
    with several(guarded.port, MANY) as held:
        for place, one in enumerate(held):
            push(one, BEGUN[place % len(BEGUN)])
        guarded.works()
        assert all_end(held)


def test_a_head_that_comes_byte_by_byte_is_hung_up_on(guarded: Server) -> None:
    with several(guarded.port, 50) as held:
        over = threading.Event()

        def drip() -> None:
            for one in held:
                push(one, b"x")
            over.wait(0.1)

        for one in held:
            push(one, b"GET /health/live HTTP/1.1\r\na: ")
        with meanwhile(drip):
            guarded.works()
            assert all_end(held)


def test_a_body_that_never_ends_is_hung_up_on(guarded: Server) -> None:
    paths = [*ORDINARY, "/model/reload", "/unknown", "/health/live"]
    with several(guarded.port, MANY) as held:
        for place, one in enumerate(held):
            path = paths[place % len(paths)]
            push(one, head(path, JSON, "content-length: 900") + b'{"impressions": [')
        guarded.works()
        assert [answer(one)[0] for one in held[: len(ORDINARY)]] == [408] * len(ORDINARY)
        assert all_end(held)


def test_who_reads_no_answer_is_hung_up_on(guarded: Server) -> None:
    with several(guarded.port, 20, receive=4_096) as held:
        for one in held:
            fill(one, asked("/rank", BIG_RANK) * 40, 0.05)
        guarded.works()
        assert guarded.drops_all(), "and nothing was read of the answers"


def test_the_longest_idle_make_room(guarded: Server) -> None:
    before = guarded.said().count("the longest idle are closed")
    for _ in range(2):
        with several(guarded.port, 3 * MOST_CONNECTIONS) as held:
            guarded.works()
            assert guarded.gauge("process_open_fds") < MOST_CONNECTIONS + ACCEPTED + 60
            assert ends(held[0], BY_THEN)
    assert guarded.said().count("the longest idle are closed") - before <= 1


@pytest.mark.parametrize(
    "data",
    [
        b"GET /health/live HTTP/1.1\r\na: " + b"x" * 8_000_000,
        b"GET /health/live HTTP/1.1\r\n" + b"a: b\r\n" * 1_000_000,
        b"GET /" + b"x" * 8_000_000,
        b"\r\n" * 4_000_000,
        head("/predict", JSON, "transfer-encoding: chunked") + b"1;" + b"x" * 8_000_000,
        head("/predict", JSON, "transfer-encoding: chunked") + b"0\r\na: " + b"x" * 8_000_000,
        head("/predict", JSON, "transfer-encoding: chunked") + b"0\r\n" + b"a: b\r\n" * 1_000_000,
    ],
    ids=["value", "lines", "url", "blank", "extension", "trailer", "trailers"],
)
def test_what_stands_around_a_body_is_bounded(guarded: Server, data: bytes) -> None:
    with connect(guarded.port) as one:
        assert not push(one, data)
        assert ends(one, BY_THEN)
    guarded.works(1)


def test_a_flood_of_pipelined_requests_is_hung_up_on(guarded: Server) -> None:
    with connect(guarded.port, receive=4_096) as one:
        fill(one, head("/metrics", method="GET") * 20_000, 0.2)
        guarded.works()
        assert guarded.drops_all(), "and nothing was read of the answers"


def test_who_leaves_amid_pipelined_answers_is_no_fault_of_ours(guarded: Server) -> None:
    with several(guarded.port, 30, receive=4_096) as held:
        for one in held:
            fill(one, asked("/rank", BIG_RANK) * 20, 0.02)
        for one in held:
            one.recv(1_000)
            reset(one)
        guarded.works()
    assert guarded.comes_to_rest()
    assert "Traceback" not in guarded.said()


def test_connections_that_break_off_leave_nothing(guarded: Server) -> None:
    break_off(guarded.port, asked("/rank", BIG_RANK))
    guarded.works()


def test_half_closed_connections_leave_nothing(guarded: Server) -> None:
    with several(guarded.port, MANY) as held:
        for place, one in enumerate(held):
            push(one, asked("/rank", BIG_RANK)[: 50 * place])
            one.shutdown(socket.SHUT_WR)
        assert all_end(held)
    guarded.works()
