"""Nobody holds a place while the service waits for somebody else."""

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.serving.hostile.client import (
    JSON,
    answer,
    asked,
    break_off,
    fill,
    head,
    meanwhile,
    push,
    several,
)
from tests.serving.hostile.servers import BIG_RANK, LIMITS, ORDINARY, Server, serving

MANY = 100
"""More than the 64 requests and the 64 bodies of events that may be in flight."""


@pytest.mark.parametrize("path", ["/rank", "/predict", "/events"])
def test_who_pipelines_and_reads_nothing_holds_no_place(server: Server, path: str) -> None:
    body = {"/rank": BIG_RANK, "/predict": {"impressions": BIG_RANK["candidates"]}}.get(path)
    one_request = asked(path, body or ORDINARY.get(path, {}))
    with several(server.port, 12, receive=4_096) as held:
        for one in held:
            fill(one, one_request * (400_000 // len(one_request) + 1), 0.05)
        server.works()
        assert server.comes_to_rest(), "though nothing was read of the answers"


@pytest.mark.parametrize("path", [*ORDINARY, "/model/reload", "/unknown", "/health/live"])
def test_who_sends_half_a_body_holds_no_place(server: Server, path: str) -> None:
    with several(server.port, MANY) as held:
        for one in held:
            push(one, head(path, JSON, "content-length: 900") + b'{"impressions": [')
        assert server.gauge("ctr_in_flight") == 0  # before their time is over
        server.works()


def test_who_sends_half_a_head_holds_no_place(server: Server) -> None:
    with several(server.port, MANY) as held:
        for one in held:
            push(one, b"POST /predict HTTP/1.1\r\nhost")
        server.works()


def test_who_breaks_off_leaves_no_place_held(server: Server) -> None:
    break_off(server.port, asked("/rank", BIG_RANK))
    server.works()


def test_who_half_closes_is_answered_or_dropped(server: Server) -> None:
    sent = asked("/predict", ORDINARY["/predict"])
    with several(server.port, MANY) as held:
        for place, one in enumerate(held):
            push(one, sent[: len(sent) * place // (MANY - 1)])
            one.shutdown(socket.SHUT_WR)
        assert answer(held[-1])[0] in (0, 200)
        server.works()


def test_events_without_end_leave_others_their_service(server: Server) -> None:
    """A hundred impressions a body, each sent as soon as the one before is acknowledged."""
    turn = iter(range(1_000_000))

    def attack() -> None:
        row = {"type": "impression", "uuid": "u1", "platform": "mobile"}
        rows = [{**row, "ad": ad, "display_id": f"e{next(turn)}"} for ad in range(100)]
        assert server.ask("/events", {"events": rows})[0] in (200, 503)

    with meanwhile(attack):
        for _ in range(20):
            assert server.ask("/rank", ORDINARY["/rank"])[0] == 200


@pytest.fixture
def on_sqlite(
    bundle_path: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[Server, Path]]:
    store = tmp_path / "store.sqlite"
    kind: str = getattr(request, "param", "serve")
    with serving(kind, bundle_path, tmp_path, {**LIMITS, "CTR_STORE": str(store)}) as made:
        yield made, store


@pytest.mark.parametrize("on_sqlite", ["serve", "uvicorn"], indirect=True)
def test_a_locked_store_holds_up_events_alone(on_sqlite: tuple[Server, Path]) -> None:
    server, store = on_sqlite
    server.works(1)
    told: list[int] = []

    def report() -> None:
        with suppress(OSError):
            told.append(server.ask("/events", ORDINARY["/events"])[0])

    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        senders = [threading.Thread(target=report) for _ in range(MANY)]
        for sender in senders:
            sender.start()
        deadline = time.monotonic() + 20
        while len(told) < MANY - 64:  # no more than so many may wait
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for path in ("/predict", "/rank", "/predict", "/rank"):
            assert server.ask(path, ORDINARY[path])[0] == 200, path
        assert server.ask("/health/ready")[0] == 200
        assert set(told) == {503}
        other.execute("ROLLBACK")
    for sender in senders:
        sender.join(30)
    assert len(told) == MANY
    assert set(told) <= {200, 503}
    server.works(1)


def test_a_store_that_was_removed_acknowledges_nothing(on_sqlite: tuple[Server, Path]) -> None:
    server, store = on_sqlite
    server.works(1)
    for path in store.parent.glob(f"{store.name}*"):
        path.unlink()
    status, said = server.ask("/events", ORDINARY["/events"])
    assert status == 503
    assert b"starts anew" in said
    assert str(store.parent).encode() not in said
    assert server.ask("/health/live")[0] == 503, "whoever keeps it running is to start it anew"
    assert server.ask("/rank", ORDINARY["/rank"])[0] in (200, 503)
    assert str(store) in server.said(), "its place is for whoever reads the log"
