"""A store in one SQLite file: what was acknowledged survives the process and the power."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from clickthrough.errors import StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (
    key BLOB PRIMARY KEY, value BLOB NOT NULL, expires INTEGER, changed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS about (declaration TEXT NOT NULL);
"""
_MOST_KEYS = 8_000
"""Keys in one query; SQLite bounds the number of parameters."""
_CACHE_KB, _CHECKPOINT_PAGES = 65_536, 10_000
"""SQLite's defaults (2 MB, 1,000 pages) would copy and sync the log at every batch of events."""


class SQLiteStore:
    """Values in a table. Readers never wait for the writer (write-ahead log)."""

    def __init__(self, path: Path, declaration: str) -> None:
        """Open or create the file; see :func:`clickthrough.store.open_store`."""
        self.path = path
        self._threads = threading.local()
        self._writing = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = self._connection()
            connection.executescript(_SCHEMA)
            self._claim(connection, declaration)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path}: cannot be used as a store: {error}") from None

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none."""
        with self._clear_errors():
            return self._read(keys)

    def _read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        connection = self._connection()
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), _MOST_KEYS):
            part = keys[start : start + _MOST_KEYS]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, value FROM state WHERE key IN ({marks})"  # noqa: S608
            found.update(connection.execute(query, part))
        return [found.get(key) for key in keys]

    def write(
        self, values: Mapping[bytes, bytes], expires: int | None = None, changed: int = 0
    ) -> None:
        """Set values, inside :meth:`transaction`; see :class:`Transaction`."""
        # in order of the keys, neighbours share a page
        self._connection().executemany(
            "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)",
            [(key, values[key], expires, changed) for key in sorted(values)],
        )

    @contextmanager
    def transaction(self) -> Iterator["SQLiteStore"]:
        """Begin a transaction: committed at the end of the block, undone if it raises."""
        with self._clear_errors(), self._writing:
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield self
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    def expire(self, before: int) -> int:
        """Forget values that expire before a moment; return how many."""
        with self.transaction():
            query = "DELETE FROM state WHERE expires < ?"
            return self._connection().execute(query, (before,)).rowcount

    def trim(self, most: int) -> int:
        """Keep at most so many values, forgetting those that changed first; return how many."""
        with self.transaction():
            connection = self._connection()
            (count,) = connection.execute("SELECT count(*) FROM state").fetchone()
            query = (
                "DELETE FROM state WHERE key IN (SELECT key FROM state "
                "WHERE expires IS NOT NULL ORDER BY changed, expires LIMIT ?)"
            )
            return connection.execute(query, (max(0, count - most),)).rowcount

    def count(self) -> int:
        """Return the number of values."""
        with self._clear_errors():
            query = "SELECT count(*) FROM state"
            return int(self._connection().execute(query).fetchone()[0])

    def close(self) -> None:
        """Close every thread's connection."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._threads = threading.local()

    def _connection(self) -> sqlite3.Connection:
        """Return this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self.path, timeout=30, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            self._threads.connection = connection
            self._connections.append(connection)
        return connection

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from None

    def _claim(self, connection: sqlite3.Connection, declaration: str) -> None:
        """Refuse a file whose states have another meaning."""
        connection.execute("SELECT key, value, expires, changed FROM state LIMIT 0")
        row = connection.execute("SELECT declaration FROM about").fetchone()
        if row is None:
            connection.execute("INSERT INTO about VALUES (?)", (declaration,))
        elif row[0] != declaration:
            raise StoreError(
                f"{self.path}: holds the counters of other features (counters {row[0]}, this "
                f"bundle declares {declaration}); move the file away, or name another store"
            )
