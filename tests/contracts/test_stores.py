"""What every store must do, whatever it is made of."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from clickthrough.errors import StoreError
from clickthrough.store import MemoryStore, SQLiteStore, Store, open_store
from clickthrough.store.base import Transaction


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    where = {"memory": "memory", "sqlite": str(tmp_path / "state.sqlite")}.get(request.param)
    opened = open_store(where or request.getfixturevalue("redis_url"))
    yield opened
    opened.close()


def test_a_key_never_written_reads_as_none(store: Store) -> None:
    assert store.read([b"a", b"b"]) == [None, None]


def test_reading_no_keys_returns_nothing(store: Store) -> None:
    assert store.read([]) == []


def test_what_was_written_is_read_in_the_order_asked(store: Store) -> None:
    store.update(lambda tx: tx.write({b"a": b"1", b"\x00b": b"\x00\xff", b"empty": b""}))
    assert store.read([b"\x00b", b"c", b"a", b"empty", b"a"]) == [
        b"\x00\xff",
        None,
        b"1",
        b"",
        b"1",
    ]


def test_a_later_write_replaces_an_earlier_one(store: Store) -> None:
    store.update(lambda tx: tx.write({b"a": b"1"}))
    store.update(lambda tx: tx.write({b"a": b"2"}))
    assert store.read([b"a"]) == [b"2"]


def test_a_transaction_that_raises_leaves_no_trace(store: Store) -> None:
    store.update(lambda tx: tx.write({b"a": b"old"}))

    def change(tx: Transaction) -> None:
        tx.write({b"a": b"new", b"b": b"new"})
        tx.write({b"c": b"new"}, expires=1)
        raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        store.update(change)
    assert store.read([b"a", b"b", b"c"]) == [b"old", None, None]
    assert store.expire(100) == 0


def test_a_store_goes_on_after_a_transaction_that_raised(store: Store) -> None:
    def change(tx: Transaction) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.update(change)
    store.update(lambda tx: tx.write({b"a": b"1"}))
    assert store.read([b"a"]) == [b"1"]


def test_a_transaction_reads_its_own_writes(store: Store) -> None:
    store.update(lambda tx: tx.write({b"a": b"1", b"b": b"1"}))

    def change(tx: Transaction) -> None:
        tx.write({b"a": b"2"})
        assert tx.read([b"a", b"b", b"c"]) == [b"2", b"1", None]

    store.update(change)


def test_what_is_expected_takes_nothing_of_what_was_written(store: Store) -> None:
    store.update(lambda tx: tx.write({b"a": b"1", b"b": b"1"}))

    def change(tx: Transaction) -> list[bytes | None]:
        tx.write({b"a": b"2"})
        tx.expect([b"a", b"b", b"c"])
        return tx.read([b"a", b"b", b"c"])

    assert store.update(change) == [b"2", b"1", None]
    assert store.read([b"a"]) == [b"2"]


def test_other_threads_never_read_what_is_not_committed(store: Store) -> None:
    store.update(lambda tx: tx.write({b"a": b"old"}))
    with ThreadPoolExecutor(1) as pool:
        reading: list[Future[list[bytes | None]]] = []

        def change(tx: Transaction) -> None:
            tx.write({b"a": b"undone"})
            reading.append(pool.submit(store.read, [b"a"]))
            # the reader may answer now or wait for the end of the transaction: never b"undone"
            raise KeyError

        with pytest.raises(KeyError):
            store.update(change)
        assert reading[0].result(timeout=30) == [b"old"]


def test_readers_do_not_wait_for_a_transaction(store: Store) -> None:
    store.update(lambda tx: tx.write({b"a": b"old"}))
    with ThreadPoolExecutor(1) as pool:

        def change(tx: Transaction) -> None:
            tx.write({b"a": b"new"})
            assert pool.submit(store.read, [b"a"]).result(timeout=30) == [b"old"]
            # whoever reads is no part of it, thread or no thread
            assert store.read([b"a"]) == [b"old"]
            assert tx.read([b"a"]) == [b"new"]

        store.update(change)
    assert store.read([b"a"]) == [b"new"]


def test_an_update_returns_what_its_change_does(store: Store) -> None:
    assert store.update(lambda tx: tx.read([b"a"])) == [None]
    store.update(lambda tx: tx.write({b"a": b"1"}))
    assert store.update(lambda tx: tx.read([b"a"])) == [b"1"]


def test_expiry_forgets_what_is_older_and_nothing_else(store: Store) -> None:
    def change(tx: Transaction) -> None:
        tx.write({b"old": b"1", b"older": b"1"}, expires=99)
        tx.write({b"now": b"1"}, expires=100)
        tx.write({b"later": b"1"}, expires=101)
        tx.write({b"never": b"1"})

    store.update(change)
    assert store.expire(100) == 2
    asked = [b"old", b"older", b"now", b"later", b"never"]
    assert store.read(asked) == [None, None, b"1", b"1", b"1"]
    assert store.expire(100) == 0


def test_a_value_written_again_expires_by_its_last_write(store: Store) -> None:
    first = {b"longer": b"1", b"for good": b"1", b"within": b"1"}
    store.update(lambda tx: tx.write(first, expires=10))

    def change(tx: Transaction) -> None:
        tx.write({b"longer": b"2"}, expires=1_000)
        tx.write({b"for good": b"2"})
        tx.write({b"within": b"2"}, expires=20)
        tx.write({b"within": b"3"})

    store.update(change)
    assert store.expire(500) == 0
    assert store.read([b"longer", b"for good", b"within"]) == [b"2", b"2", b"3"]


def test_more_keys_than_a_statement_may_have_parameters_are_written_and_read(
    store: Store,
) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        most = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    values = {f"key {i}".encode(): str(i).encode() for i in range(max(most, 2_000) + 3)}
    asked = [b"absent", *values, b"absent too"]

    def change(tx: Transaction) -> None:
        tx.write(values)
        assert tx.read(asked) == [None, *values.values(), None]

    store.update(change)
    assert store.read(asked[::-1]) == [None, *list(values.values())[::-1], None]


def test_concurrent_increments_lose_nothing(store: Store) -> None:
    threads, each = 4, 60
    together = threading.Barrier(threads)

    def increment() -> None:
        together.wait(timeout=30)
        for _ in range(each):

            def change(tx: Transaction) -> None:
                (value,) = tx.read([b"counter"])
                time.sleep(0.0002)  # lets the others in, if anything does
                tx.write({b"counter": str(int(value or b"0") + 1).encode()})

            store.update(change)

    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(increment) for _ in range(threads)]:
            future.result(timeout=60)
    assert store.read([b"counter"]) == [str(threads * each).encode()]


def test_threads_may_read_while_others_write(store: Store) -> None:
    store.update(lambda tx: tx.write({b"a": b"0", b"b": b"0"}))
    done = threading.Event()

    def write() -> None:
        try:
            for i in range(100):
                value = str(i).encode()

                def change(tx: Transaction, value: bytes = value) -> None:
                    tx.write({b"a": value})
                    tx.write({b"b": value})

                store.update(change)
        finally:
            done.set()

    def read() -> list[list[bytes | None]]:
        seen = []
        while not done.is_set():
            seen.append(store.read([b"a", b"b"]))
        return seen

    with ThreadPoolExecutor(2) as pool:
        reading, writing = pool.submit(read), pool.submit(write)
        writing.result(timeout=60)
        seen = reading.result(timeout=60)
    torn = [pair for pair in seen if pair[0] != pair[1]]
    assert torn == []
    assert store.read([b"a", b"b"]) == [b"99", b"99"]


def test_trimming_forgets_what_changed_first_and_never_what_does_not_expire(
    store: Store,
) -> None:
    def change(tx: Transaction) -> None:
        tx.write({b"last": b"0"}, expires=50, changed=5)
        tx.write({b"first": b"1"}, expires=300, changed=10)
        tx.write({b"second": b"1"}, expires=200, changed=20)
        tx.write({b"never": b"1"}, changed=1)

    store.update(change)
    store.update(lambda tx: tx.write({b"last": b"1"}, expires=100, changed=30))
    asked = [b"first", b"second", b"last", b"never"]
    assert store.trim(4) == 0
    assert store.trim(2) == 2
    assert store.read(asked) == [None, None, b"1", b"1"]
    assert store.trim(0) == 1
    assert store.read(asked) == [None, None, None, b"1"]
    assert store.trim(0) == 0


def test_what_was_trimmed_or_expired_may_be_written_again(store: Store) -> None:
    for trimmed in (True, False):
        store.update(lambda tx: tx.write({b"a": b"1"}, expires=10))
        assert (store.trim(0) if trimmed else store.expire(100)) == 1

        def change(tx: Transaction) -> None:
            assert tx.read([b"a"]) == [None]
            tx.write({b"a": b"2"})

        store.update(change)
        assert store.expire(1_000) == 0
        assert store.read([b"a"]) == [b"2"]


def test_counting_counts_each_value_once(store: Store) -> None:
    assert store.count() == 0
    for _ in range(2):

        def change(tx: Transaction) -> None:
            tx.write({b"a": b"1", b"b": b""})
            tx.write({b"c": b"1"}, expires=5)

        store.update(change)
    assert store.count() == 3
    store.expire(6)
    assert store.count() == 2


def test_moments_may_lie_before_1970_and_far_away(store: Store) -> None:
    def change(tx: Transaction) -> None:
        tx.write({b"old": b"1"}, expires=-(2**62))
        tx.write({b"far": b"1"}, expires=2**62)

    store.update(change)
    assert store.expire(-1) == 1
    assert store.read([b"old", b"far"]) == [None, b"1"]


def test_a_value_may_be_large(store: Store) -> None:
    large = bytes(range(256)) * 8_192
    store.update(lambda tx: tx.write({b"a": large}))
    assert store.read([b"a"]) == [large]


def test_keys_are_told_apart_byte_by_byte(store: Store) -> None:
    keys = [b"", b"\0", b"\0\0", b"a", b"a\0", b"A", b"\xff", "\u00e5".encode(), b"a\xcc\x8a"]
    store.update(lambda tx: tx.write({key: str(i).encode() for i, key in enumerate(keys)}))
    assert store.read(keys) == [str(i).encode() for i in range(len(keys))]


def test_memory_stores_share_nothing() -> None:
    one, other = MemoryStore(), MemoryStore()
    one.update(lambda tx: tx.write({b"a": b"1"}))
    assert other.read([b"a"]) == [None]


def test_a_sqlite_store_survives_closing_and_opening(tmp_path: Path) -> None:
    path = tmp_path / "made on the way" / "state.sqlite"
    first = SQLiteStore(path)

    def change(tx: Transaction) -> None:
        tx.write({b"a": b"1"})
        tx.write({b"b": b"1"}, expires=5)

    first.update(change)
    first.close()
    second = SQLiteStore(path)
    assert second.read([b"a", b"b"]) == [b"1", b"1"]
    assert second.expire(6) == 1
    second.close()


_WRITER = """
import sys
from pathlib import Path
from clickthrough.store import SQLiteStore

store = SQLiteStore(Path(sys.argv[1]))
for i in range(1, 1_000_000):
    store.update(lambda tx: tx.write({b"counter": str(i).encode(), b"other": str(i).encode()}))
    print(i, flush=True)
"""


def test_acknowledged_commits_of_a_sqlite_store_survive_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(50)][-1]
        writer.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *(int(line) for line in writer.stdout if "\n" in line)])
    assert writer.returncode == -signal.SIGKILL
    store = SQLiteStore(path)
    counter, other = store.read([b"counter", b"other"])
    assert counter == other
    assert int(counter or b"0") >= acknowledged
    store.update(lambda tx: tx.write({b"counter": b"0"}))
    store.close()


def test_two_processes_worth_of_stores_on_one_file_lose_no_increment(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    stores = [SQLiteStore(path) for _ in range(2)]

    def increment(store: SQLiteStore) -> None:
        for _ in range(50):

            def change(tx: Transaction) -> None:
                (value,) = tx.read([b"counter"])
                tx.write({b"counter": str(int(value or b"0") + 1).encode()})

            store.update(change)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(increment, stores))
    assert stores[0].read([b"counter"]) == [b"100"]
    for store in stores:
        store.close()


def _text_file(folder: Path) -> Path:
    path = folder / "notes.txt"
    path.write_text("these are notes, and no database\n" * 100)
    return path


def _directory(folder: Path) -> Path:
    return folder


def _below_a_file(folder: Path) -> Path:
    return _text_file(folder) / "state.sqlite"


def _other_tables(folder: Path) -> Path:
    path = folder / "other.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE state (name TEXT)")
    connection.close()
    return path


@pytest.mark.parametrize("make", [_text_file, _directory, _below_a_file, _other_tables])
def test_a_path_that_cannot_be_a_store_is_refused_by_name(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = make(tmp_path)
    with pytest.raises(StoreError) as raised:
        open_store(path)
    assert str(path) in str(raised.value)


def test_a_refused_file_is_left_as_it_was(tmp_path: Path) -> None:
    path = _text_file(tmp_path)
    before = path.read_bytes()
    with pytest.raises(StoreError):
        open_store(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be looked at\n" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"notes\.txt.*cannot be used as a store"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_database_of_another_make_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE state (key BLOB PRIMARY KEY, count INTEGER)")
    with pytest.raises(StoreError, match="cannot be used as a store"):
        open_store(path)


def test_a_closed_sqlite_store_opens_again_in_other_threads(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "state.sqlite")
    store.update(lambda tx: tx.write({b"a": b"1"}))
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(store.read, [[b"a"]] * 8)) == [[b"1"]] * 8
    store.close()
    again = SQLiteStore(tmp_path / "state.sqlite")
    assert again.count() == 1
    again.close()
