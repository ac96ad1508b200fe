"""Deadlines of connections and a bound on their number, without sockets."""

import asyncio
import resource
import socket
from typing import Any

import pytest
from fastapi import FastAPI
from uvicorn import Config
from uvicorn.server import ServerState

from clickthrough.config.serving import Serving
from clickthrough.serving import guard as module
from clickthrough.serving.connections import GuardedH11, GuardedProtocol
from clickthrough.serving.guard import GUARD, Guard, Phase
from clickthrough.serving.listening import ACCEPTED

LIMITS = Serving(max_connections=3, head_seconds=1, body_seconds=2, write_seconds=3, idle_seconds=4)


class Transport:
    def __init__(self) -> None:
        self.aborted = self.closed = False
        self.written = b""

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        self.closed = True

    def write(self, data: bytes) -> None:
        self.written += data


class Connection:
    """A connection that is in a phase."""

    def __init__(self, phase: Phase) -> None:
        self.transport = Transport()
        self.now: Phase = phase
        self.exchanges = 0
        self.seen: tuple[Phase, int] = ("idle", 0)
        self.since = 0.0

    def phase(self) -> Phase:
        return self.now

    @property
    def ended(self) -> bool:
        return self.transport.aborted


def known(*connections: Connection, limits: Serving = LIMITS) -> Guard:
    guard = Guard(lambda: limits)
    for one in connections:
        guard.add(one)  # type: ignore[arg-type]
        one.since = 0.0
    guard.look(0.0)
    return guard


@pytest.mark.parametrize(
    ("phase", "seconds"), [("head", 1.0), ("body", 2.5), ("write", 3.0), ("idle", 4.0)]
)
def test_each_phase_has_its_deadline(phase: Phase, seconds: float) -> None:
    one = Connection(phase)
    guard = known(one)
    guard.look(seconds - 0.01)
    assert not one.ended
    guard.look(seconds + 0.01)
    assert one.ended


def test_who_waits_for_our_answer_is_never_ended() -> None:
    one = Connection("answer")
    known(one).look(1e6)
    assert not one.ended


def test_who_gets_on_begins_anew() -> None:
    idle, head = Connection("idle"), Connection("head")
    guard = known(idle, head)
    for second in range(1, 10):
        idle.exchanges += 1  # between two looks something was asked and answered
        head.now = ("head", "idle")[second % 2]
        guard.look(0.9 * second)
    assert not idle.ended
    assert not head.ended


def test_the_longest_waiting_make_room_for_the_newest(caplog: pytest.LogCaptureFixture) -> None:
    old, busy, young = Connection("idle"), Connection("answer"), Connection("head")
    guard = known(old, busy, young)
    young.since = 5.0
    newest = [Connection("idle") for _ in range(5)]
    for one in newest:
        guard.add(one)  # type: ignore[arg-type]
    assert old.ended
    assert young.ended
    assert not busy.ended
    assert not newest[-1].ended
    assert caplog.text.count("the longest idle are closed") == 1  # and not for each


def test_where_all_are_being_answered_the_newest_is_told_so() -> None:
    guard = known(*(Connection("answer") for _ in range(3)))
    one = Connection("idle")
    guard.add(one)  # type: ignore[arg-type]
    head, _, body = one.transport.written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503")
    assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"
    assert one.transport.closed


def test_there_are_never_more_than_files_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (96 + ACCEPTED + 40, 1_024))
    assert module._most_files() == 40
    guard = known(*(Connection("idle") for _ in range(40)), limits=Serving(max_connections=1_000))
    first = next(iter(guard._connections))
    guard.add(Connection("idle"))  # type: ignore[arg-type]
    assert len(guard._connections) <= 40
    assert first.phase() == "idle"


class Peer:
    """A connection to a protocol, in the event loop of a test."""

    def __init__(self, protocol: Any, app: Any, limits: Serving) -> None:  # noqa: ANN401
        config = Config(app, timeout_keep_alive=5, log_config=None)
        self.protocol = protocol(config, ServerState(), {GUARD: known(limits=limits)})
        self.sock, self._other = socket.socketpair()

    async def __aenter__(self) -> "Peer":
        self.sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self.protocol, sock=self._other)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.sock.close()
        self.protocol.transport.abort()


@pytest.mark.parametrize("protocol", [GuardedProtocol, GuardedH11])
def test_uvicorns_own_deadline_of_idle_connections_gives_way(protocol: Any) -> None:  # noqa: ANN401
    async def go() -> None:
        async with Peer(protocol, FastAPI(), Serving(idle_seconds=40)) as peer:
            assert peer.protocol.timeout_keep_alive == 40

    asyncio.run(go())


@pytest.mark.parametrize(("count", "held"), [(60, True), (70, False)])
def test_few_requests_are_held_before_the_first_is_answered(count: int, held: bool) -> None:
    async def never(scope: object, receive: object, send: object) -> None:
        await asyncio.sleep(60)

    async def go() -> None:
        loop = asyncio.get_running_loop()
        async with Peer(GuardedProtocol, never, LIMITS) as peer:
            await loop.sock_sendall(peer.sock, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" * count)
            said = asyncio.ensure_future(loop.sock_recv(peer.sock, 100))
            done, _ = await asyncio.wait([said], timeout=0.2 if held else 10)
            assert bool(done) != held
            said.cancel()

    asyncio.run(go())
