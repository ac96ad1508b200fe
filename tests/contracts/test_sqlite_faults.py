"""An SQLite store that cannot go on says so, and never acknowledges what is lost."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from clickthrough.errors import StoreError
from clickthrough.store import SQLiteStore, open_store, sqlite, sqlite_file
from clickthrough.store.base import Transaction


@pytest.fixture
def store(tmp_path: Path) -> SQLiteStore:
    made = SQLiteStore(tmp_path / "s.sqlite")
    put(made, b"a", b"1")
    return made


def put(store: SQLiteStore, key: bytes, value: bytes) -> None:
    store.update(lambda tx: tx.write({key: value}))


def test_a_file_of_an_earlier_version_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript("""
            CREATE TABLE IF NOT EXISTS state (
                key BLOB PRIMARY KEY, value BLOB NOT NULL, expires INTEGER, changed INTEGER NOT NULL
            ) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS about (declaration TEXT NOT NULL);
        """)
        connection.execute("INSERT INTO about VALUES ('0123456789ab')")
        connection.execute("INSERT INTO state VALUES (x'92a4', x'00', NULL, 0)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"earlier version.*move the file away, or name another"):
        open_store(path)
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_file_of_a_later_format_is_refused(store: SQLiteStore) -> None:
    store.close()
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE about SET format = 99")
    with pytest.raises(StoreError, match=r"format 99.*move the file away"):
        open_store(store.path)


def test_a_refused_database_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE people (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="other tables"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_full_disk_is_named_and_the_store_goes_on(store: SQLiteStore) -> None:
    assert store._writer is not None
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"):
        put(store, b"b", bytes(100_000))
    assert store.read([b"a", b"b"]) == [b"1", None]
    store._writer.execute("PRAGMA max_page_count = 1000000")
    put(store, b"b", b"2")
    assert store.read([b"a", b"b"]) == [b"1", b"2"]


class Failing:
    """A connection on which some statements fail."""

    def __init__(self, connection: sqlite3.Connection, *failing: str) -> None:
        self._connection, self._failing = connection, failing

        self.executemany, self.close = connection.executemany, connection.close

    def execute(self, statement: str) -> sqlite3.Cursor:
        if statement in self._failing:
            raise sqlite3.OperationalError(f"{statement} failed")
        return self._connection.execute(statement)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction


def test_an_error_while_undoing_does_not_hide_the_first(store: SQLiteStore) -> None:
    assert store._writer is not None
    store._writer = Failing(store._writer, "COMMIT", "ROLLBACK")  # type: ignore[assignment]
    with pytest.raises(StoreError, match="COMMIT failed"):
        put(store, b"a", b"2")
    put(store, b"b", b"2")
    assert store.read([b"a", b"b"]) == [b"1", b"2"]


def test_a_body_that_raises_after_sqlite_undid_the_rest_is_heard(store: SQLiteStore) -> None:
    def change(tx: sqlite._Writes) -> None:
        tx.connection.execute("ROLLBACK")  # as SQLite itself does, for instance on a full disk
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        store.update(change)
    put(store, b"a", b"2")
    assert store.read([b"a"]) == [b"2"]


def removed(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


FILES = ("", "-wal", "-shm")


@pytest.mark.parametrize("suffix", FILES)
@pytest.mark.parametrize("lose", [removed, replaced])
def test_a_file_lost_between_transactions_is_noticed_by_the_next(
    store: SQLiteStore, suffix: str, lose: Callable[[Path], None]
) -> None:
    lose(Path(f"{store.path}{suffix}"))
    for _ in range(2):
        with pytest.raises(StoreError, match="removed or replaced while in use"):
            put(store, b"a", b"2")
    with pytest.raises(StoreError, match="removed or replaced while in use"):
        store.expire(0)


@pytest.mark.parametrize("suffix", FILES)
@pytest.mark.parametrize("lose", [removed, replaced])
def test_a_file_lost_within_a_transaction_is_noticed_after_its_commit(
    store: SQLiteStore, suffix: str, lose: Callable[[Path], None]
) -> None:
    def change(tx: Transaction) -> None:
        tx.write({b"a": b"2"})
        lose(Path(f"{store.path}{suffix}"))

    with pytest.raises(StoreError, match="removed or replaced while in use"):
        store.update(change)


def test_a_thread_that_comes_later_reads_no_other_file(store: SQLiteStore) -> None:
    put(store, b"b", b"1")
    store.path.unlink()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(store.read, [b"b"])
        with pytest.raises(StoreError, match="removed or replaced while in use"):
            reading.result(timeout=30)
    assert not store.path.exists()


def test_a_checkpoint_by_another_process_is_no_loss(store: SQLiteStore) -> None:
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    put(store, b"a", b"2")
    assert store.read([b"a"]) == [b"2"]


def test_a_store_may_lie_behind_a_link_and_be_called_anything(tmp_path: Path) -> None:
    folder = tmp_path / "100%41"
    folder.mkdir()
    link = tmp_path / "50% of what? #1.sqlite"
    link.symlink_to(folder / "s.sqlite")
    store = SQLiteStore(link)
    put(store, b"a", b"1")
    put(store, b"a", b"2")
    assert store.read([b"a"]) == [b"2"]
    store.close()
    assert sorted(path.name for path in folder.iterdir()) == ["s.sqlite"]


def test_a_store_in_use_by_another_process_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sqlite_file._BUSY == 5
    monkeypatch.setattr(sqlite_file, "_BUSY", 0.01)
    store = SQLiteStore(tmp_path / "s.sqlite")
    put(store, b"a", b"1")
    assert store._writer is not None
    assert store._writer.execute("PRAGMA busy_timeout").fetchone() == (10,)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            put(store, b"a", b"1")
        other.execute("COMMIT")
    put(store, b"a", b"1")
    assert store.read([b"a"]) == [b"1"]
    store.close()


def test_a_value_that_is_no_bytes_cannot_come_into_the_file(store: SQLiteStore) -> None:
    store.close()
    with (
        closing(sqlite3.connect(store.path)) as other,
        pytest.raises(sqlite3.IntegrityError),
    ):
        other.execute("INSERT INTO state VALUES (x'00', 'text', NULL, 0)")
