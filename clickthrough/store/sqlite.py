"""A store in one SQLite file: what was acknowledged survives the process and the power."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from clickthrough.errors import StoreError
from clickthrough.store.base import Breathe, Durability, T, nothing
from clickthrough.store.sqlite_file import Places, claim, connect, places_of

_MOST_KEYS = 8_000
"""Keys in one query; SQLite bounds the number of parameters."""
_SLICE = 5_000
"""So many values are looked at in one transaction that tidies: others wait for milliseconds."""


class _Writes:
    """What a transaction reads and writes, by the one connection that writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def expect(self, keys: Sequence[bytes]) -> None:
        pass

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        return _read(self.connection, keys)

    def write(
        self, values: Mapping[bytes, bytes], expires: int | None = None, changed: int = 0
    ) -> None:
        # in order of the keys, neighbours share a page
        self.connection.executemany(
            "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)",
            [(key, values[key], expires, changed) for key in sorted(values)],
        )


class SQLiteStore:
    """Values in a table. Readers never wait for the writer (write-ahead log).

    Each thread reads by a connection of its own, all transactions write by another: whoever reads
    meanwhile, on the same thread too, sees nothing of a transaction that is not committed.
    """

    waits, remote, away = True, False, False
    durability: Durability = "disk"

    def __init__(self, path: Path) -> None:
        """Open or create the file; see :func:`clickthrough.store.open_store`."""
        self.path = path
        self._threads = threading.local()
        self._writing, self._opening = threading.Lock(), threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        self._writer: sqlite3.Connection | None = None
        self._places: Places | None = None
        self.lost = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._real = path.resolve()
            # never closed before the store is: as long as it is open, SQLite keeps the same log
            claim(self._open("rwc"), path)
            self._places = places_of(path, self._real)
        except (sqlite3.Error, OSError) as error:
            self.close()
            told = f"{path}: cannot be used as a store: {error}"
            if not os.access(path.parent, os.W_OK):
                told += f": {path.parent} cannot be written to by this user"
            raise StoreError(told) from None
        except StoreError:
            self.close()
            raise

    def read(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where there is none."""
        with self._clear_errors():
            return _read(self._reader(), keys)

    def update(self, change: Callable[[_Writes], T]) -> T:
        """Read and write in a transaction: all of it takes effect, or nothing if it raises.

        Raises:
            StoreError: it cannot be committed, or the file was removed or replaced meanwhile.
        """
        with self._transaction() as tx:
            return change(tx)

    @contextmanager
    def _transaction(self) -> Iterator[_Writes]:
        with self._clear_errors(), self._writing:
            self._refuse_other_file()
            if self._writer is None:
                self._writer = self._open("rw")
            connection = self._writer
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield _Writes(connection)
                connection.execute("COMMIT")
            except BaseException:
                self._roll_back(connection)
                raise
            # committed into a file that nobody finds again, nothing may be acknowledged
            self._refuse_other_file()

    def expire(self, before: int, breathe: Breathe = nothing) -> int:
        """Forget values that expire before a moment; return how many."""
        return self._delete("expires < ?", (before,), breathe)

    def trim(self, most: int, breathe: Breathe = nothing) -> int:
        """Keep at most so many values, forgetting those that changed first; return how many."""
        excess = self.count() - most
        if excess <= 0:
            return 0
        query = (
            "SELECT changed, expires FROM state WHERE expires IS NOT NULL "
            "ORDER BY changed, expires LIMIT 1 OFFSET ?"
        )
        with self._clear_errors():
            first_kept = self._reader().execute(query, (excess,)).fetchone()
        if first_kept is None:
            return self._delete("expires IS NOT NULL", (), breathe)
        older = self._delete(
            "expires IS NOT NULL AND (changed, expires) < (?, ?)", first_kept, breathe
        )
        # of those that changed and expire together, as many as are still too many
        alike = "expires IS NOT NULL AND (changed, expires) = (?, ?)"
        return older + self._delete(alike, first_kept, breathe, most=max(0, excess - older))

    def count(self) -> int:
        """Return the number of values."""
        count = 0
        for keys, bounds in self._slices():
            query = f"SELECT count(*) FROM state WHERE {keys}"  # noqa: S608
            with self._clear_errors():
                count += int(self._reader().execute(query, bounds).fetchone()[0])
        return count

    def close(self) -> None:
        """Close every thread's connection."""
        with self._opening:
            connections, self._connections = self._connections, []
            self._threads, self._writer = threading.local(), None
        for connection in connections:
            with suppress(sqlite3.Error):  # one that fails must not keep the others open
                connection.close()

    def _delete(
        self, where: str, values: Sequence[int], breathe: Breathe, most: int | None = None
    ) -> int:
        """Delete the values for which a condition holds, a slice of keys a transaction.

        Args:
            where: the condition.
            values: of its parameters.
            breathe: called between slices.
            most: how many at most; all by default.

        Returns:
            How many were deleted.
        """
        deleted = 0
        for keys, bounds in self._slices():
            left = -1 if most is None else most - deleted
            if left == 0:
                break
            which = f"SELECT key FROM state WHERE {keys} AND {where} LIMIT ?"  # noqa: S608
            query = f"DELETE FROM state WHERE key IN ({which})"  # noqa: S608
            with self._transaction() as tx:
                deleted += tx.connection.execute(query, (*bounds, *values, left)).rowcount
            breathe()
        return deleted

    def _slices(self) -> Iterator[tuple[str, tuple[bytes, ...]]]:
        """Yield conditions, with their parameters, that each hold for a slice of all keys."""
        query = "SELECT key FROM state WHERE key >= ? ORDER BY key LIMIT 1 OFFSET ?"
        start = b""
        while True:
            with self._clear_errors():
                found = self._reader().execute(query, (start, _SLICE)).fetchone()
            if found is None:
                yield "key >= ?", (start,)
                return
            yield "key >= ? AND key < ?", (start, found[0])
            start = found[0]

    def _reader(self) -> sqlite3.Connection:
        """Return this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = self._threads.connection = self._open("rw")
        return connection

    def _open(self, mode: str) -> sqlite3.Connection:
        known = self._places is not None
        if known:
            self._refuse_other_file()
        connection = connect(self.path, mode)
        with self._opening:
            self._connections.append(connection)
        if known:  # it may have been replaced until just now
            self._refuse_other_file()
        return connection

    def _refuse_other_file(self) -> None:
        """Notice a file that was removed or replaced under the process.

        Raises:
            StoreError: it was.
        """
        try:
            same = places_of(self.path, self._real) == self._places
        except OSError:
            same = False
        if not same:
            self.lost = True
            raise StoreError(
                f"{self.path}: was removed or replaced while in use; start a new process"
            )

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        """Undo what a transaction wrote; the error that ended it goes before any of this."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                connection.close()
            self._writer = None  # the next transaction opens another

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from None


def _read(connection: sqlite3.Connection, keys: Sequence[bytes]) -> list[bytes | None]:
    found: dict[bytes, bytes] = {}
    for start in range(0, len(keys), _MOST_KEYS):
        part = keys[start : start + _MOST_KEYS]
        marks = ",".join("?" * len(part))
        query = f"SELECT key, value FROM state WHERE key IN ({marks})"  # noqa: S608
        found.update(connection.execute(query, part))
    return [found.get(key) for key in keys]
