"""A server that is slow, full, gone or killed: nothing is lost, nothing counts twice."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from clickthrough.errors import StoreAwayError, StoreError
from clickthrough.store import Store, open_store
from clickthrough.store.base import Transaction
from clickthrough.store.redis import link, lookout
from clickthrough.store.redis import store as module
from tests.redis.proxy import SlowProxy
from tests.redis.server import SYNCED, RedisServer
from tests.waiting import in_time

pytestmark = pytest.mark.slow

_PATIENCE = 30.0
NAME = "clickthrough"
"""What our connections are called on a server."""


def put(store: Store, key: bytes, value: bytes) -> None:
    store.update(lambda tx: tx.write({key: value}))


@pytest.fixture
def synced(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path, *SYNCED) as server:
        yield server


def test_a_slow_server_is_not_waited_for_until_it_is_well_again(server: RedisServer) -> None:
    proxy = SlowProxy(server.port).start()
    store = open_store(f"redis://127.0.0.1:{proxy.port}?deadline_ms=200")
    put(store, b"a", b"1")
    assert not store.away
    proxy.delay = 0.6
    for _ in range(3):
        with pytest.raises(StoreAwayError, match="redis://127"):
            store.read([b"a"])
    assert store.away
    put(store, b"a", b"2")  # whoever writes waits
    proxy.delay = 0.0
    in_time(lambda: not store.away)
    assert store.read([b"a"]) == [b"2"]
    store.close()
    proxy.end()


def test_a_server_that_was_killed_is_found_again_with_all_that_was_acknowledged(
    synced: RedisServer,
) -> None:
    store = open_store(f"{synced.url}?deadline_ms=1000")
    put(store, b"a", b"1")
    synced.kill()
    for _ in range(2):
        with pytest.raises(StoreAwayError):
            store.read([b"a"])
        with pytest.raises(StoreError, match="cannot be reached"):
            put(store, b"a", b"2")
        with pytest.raises(StoreError, match="cannot be reached"):
            store.count()
    synced.start()
    in_time(lambda: not store.away)
    assert store.read([b"a"]) == [b"1"]
    put(store, b"a", b"2")
    assert store.read([b"a"]) == [b"2"]
    store.close()


def test_a_server_that_is_gone_shows_where_nobody_asks(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(server.url)
    server.kill()
    in_time(lambda: store.away)
    server.start()
    in_time(lambda: not store.away)
    store.close()
    assert len(caplog.records) == 2


def test_a_server_that_is_silent_shows_where_nobody_asks(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "_SECONDS", 0.5)
    proxy = SlowProxy(server.port).start()
    store = open_store(f"redis://127.0.0.1:{proxy.port}")
    proxy.delay = 5.0
    in_time(lambda: store.away)
    store.close()
    proxy.end()


def test_a_line_that_was_closed_while_idle_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "_EVERY", _PATIENCE)
    with RedisServer(tmp_path, "--timeout", "1") as server:
        store = open_store(f"{server.url}?deadline_ms=1000")
        put(store, b"a", b"1")
        with Redis(port=server.port) as client:
            # the server looks at its clients now and then
            in_time(lambda: len([c for c in client.client_list() if c["name"] == NAME]) == 0)
        assert store.read([b"a"]) == [b"1"]
        assert not store.away
        put(store, b"a", b"2")
        store.close()


def test_an_answer_that_comes_drop_by_drop_is_not_waited_for(server: RedisServer) -> None:
    proxy = SlowProxy(server.port).start()
    store = open_store(f"redis://127.0.0.1:{proxy.port}?deadline_ms=300")
    put(store, b"a", bytes(100_000))
    proxy.piece, proxy.delay = 1_000, 0.02  # two seconds in all, none of them silent
    with pytest.raises(StoreAwayError, match="no answer within 300 ms"):
        store.read([b"a"])
    proxy.piece, proxy.delay = 65_536, 0.0
    in_time(lambda: not store.away)
    store.close()
    proxy.end()


def test_a_write_that_fails_tells_that_the_server_is_away(server: RedisServer) -> None:
    store = open_store(f"{server.url}?deadline_ms=1000")
    server.kill()
    with pytest.raises(StoreAwayError):
        put(store, b"a", b"1")
    assert store.away
    store.close()


def test_a_look_through_the_store_goes_on_while_reads_fail(server: RedisServer) -> None:
    store = open_store(f"{server.url}?deadline_ms=1000")
    store.update(lambda tx: tx.write({b"%d" % n: b"1" for n in range(5_000)}, expires=5))
    assert isinstance(store, module.RedisStore)
    broken = [False]

    def breathe() -> None:
        if not broken[0]:
            broken[0] = True
            store._breaker.open("as if a read had come late")
            in_time(lambda: not store.away)

    assert store.expire(9, breathe) == 5_000
    assert broken[0]
    store.close()


def test_where_memory_is_full_nothing_is_half_written(server: RedisServer) -> None:
    store = open_store(f"{server.url}?deadline_ms=1000")
    put(store, b"a", b"1")
    with Redis(port=server.port) as client:
        client.config_set("maxmemory", "1")
        with pytest.raises(StoreError, match="maxmemory"):
            store.update(lambda tx: tx.write({b"a": b"2", b"b": b"2"}))
        assert store.read([b"a", b"b"]) == [b"1", None]
        client.config_set("maxmemory", "0")
    put(store, b"b", b"2")
    assert store.read([b"a", b"b"]) == [b"1", b"2"]
    store.close()


def test_a_change_is_made_anew_where_somebody_else_wrote(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LEASE_MS", 50)
    slow, quick = (open_store(f"{server.url}?deadline_ms=1000") for _ in range(2))
    put(slow, b"a", b"0")
    tries: list[bytes | None] = []

    def change(tx: Transaction) -> int:
        (value,) = tx.read([b"a"])
        tries.append(value)
        if len(tries) == 1:
            time.sleep(0.2)  # its lease is over, and another takes it
            put(quick, b"a", b"10")
        tx.write({b"a": b"%d" % (int(value or b"0") + 1), b"tries": b"%d" % len(tries)})
        return len(tries)

    assert slow.update(change) == 2
    assert tries == [b"0", b"10"]
    assert quick.read([b"a", b"tries"]) == [b"11", b"2"]
    for store in (slow, quick):
        store.close()


def test_a_writer_that_was_killed_holds_nobody_up(server: RedisServer) -> None:
    holding = (
        "import sys, time\n"
        "from clickthrough.store import open_store\n"
        "store = open_store(sys.argv[1])\n"
        "def change(tx):\n"
        "    tx.write({b'a': b'lost'})\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
        "store.update(change)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, server.url], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "held\n"
        writer.send_signal(signal.SIGKILL)
    store = open_store(f"{server.url}?deadline_ms=1000")
    put(store, b"b", b"1")
    assert store.read([b"a", b"b"]) == [None, b"1"]
    store.close()


def test_others_that_write_without_end_are_told_of(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    store = open_store(f"{server.url}?deadline_ms=1000")
    with Redis(port=server.port) as client:
        client.set("{ctr}:lease", "another", px=60_000)
    with pytest.raises(StoreError, match=r"others wrote for 0\.2 seconds without end"):
        put(store, b"a", b"1")
    store.close()


_WRITER = """
import sys, time
from clickthrough.errors import StoreError
from clickthrough.store import open_store

url, name, first = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])

def opened():
    while True:
        try:
            return open_store(url)
        except StoreError:
            time.sleep(.02)

def count(number):
    event, keys = b"%b %d" % (name, number), [b"counter", b"other"]
    def change(tx):
        known, *values = tx.read([event, *keys])
        if known is None:
            counts = [b"%d" % (int(value or 0) + 1) for value in values]
            tx.write({event: b"1", **dict(zip(keys, counts))}, expires=9)
    return change

store = opened()
for number in range(first, 1_000_000):
    while True:
        try:
            store.update(count(number))
            break
        except StoreError:
            time.sleep(.01)
    print(number, flush=True)
"""


class Writer:
    """A process that counts events one by one, each until it is acknowledged."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self.acknowledged = -1
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, self._url, self._name, str(self.acknowledged + 1)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reading = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reading.start()

    def _read(self, said: Iterator[str]) -> None:
        for line in said:
            if line.endswith("\n"):
                self.acknowledged = int(line)

    def go_on(self) -> None:
        """Wait until it has counted a few more."""
        before = self.acknowledged
        in_time(lambda: self.acknowledged > before + 3)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(timeout=_PATIENCE)
        self._reading.join(timeout=_PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def again(self) -> None:
        """Kill it; the next one begins with what was not acknowledged."""
        self.kill()
        self._start()


def test_counts_are_exact_after_kills_of_writers_and_of_the_server(synced: RedisServer) -> None:
    chance = random.Random(7)  # noqa: S311 - moments of kills
    writers = [Writer(synced.url, name) for name in ("one", "other")]
    for kill in range(12):
        for writer in writers:
            writer.go_on()
        time.sleep(chance.random() * 0.05)
        if kill % 3 == 2:
            chance.choice(writers).again()
        else:
            synced.kill()
            synced.start()
    for writer in writers:
        writer.kill()
    store = open_store(f"{synced.url}?deadline_ms=1000")
    # of each writer one more event may have taken effect than it heard of
    events = [f"{name} {n}".encode() for name in ("one", "other") for n in range(20_000)]
    counted = sum(value is not None for value in store.read(events))
    told = sum(writer.acknowledged + 1 for writer in writers)
    assert store.read([b"counter", b"other"]) == [b"%d" % counted] * 2
    assert told <= counted <= told + len(writers)
    store.close()
