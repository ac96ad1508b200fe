"""The file of an SQLite store: how it is opened, what it must hold, whether it is still there."""

import sqlite3
from pathlib import Path
from urllib.parse import quote

from clickthrough.errors import StoreError

_FORMAT = 2
"""Of what stands in the tables; a file of another format is refused."""
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS state (
    key BLOB PRIMARY KEY, value BLOB NOT NULL CHECK (typeof(value) = 'blob'),
    expires INTEGER, changed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS about (format INTEGER NOT NULL);
"""
_BUSY = 5
"""Seconds that a connection waits for another process's transaction."""
_CACHE_KB, _CHECKPOINT_PAGES = 65_536, 10_000
"""SQLite's defaults (2 MB, 1,000 pages) would copy and sync the log at every batch of events."""
_BESIDE = ("-wal", "-shm")
"""What the other files of a store that is open are called."""

Places = tuple[tuple[int, int], ...]
"""Which files lie at the paths of a store: device and inode of each."""


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a connection; a thread may use it that did not open it.

    Args:
        path: the file.
        mode: ``rw``, or ``rwc`` to create it where it is absent.
    """
    connection = sqlite3.connect(
        f"file:{quote(bytes(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=_BUSY,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    return connection


def claim(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file, and refuse a file that holds anything else, unchanged.

    Raises:
        StoreError: it holds something else.
    """
    tables = _tables(connection)
    if tables.get("about") == ["declaration"]:
        raise StoreError(
            f"{path}: was written by an earlier version, whose keys mean something else; move the "
            "file away, or name another store"
        )
    if tables and not (tables.get("about") == ["format"] and "state" in tables):
        raise StoreError(
            f"{path}: cannot be used as a store: holds other tables ({', '.join(sorted(tables))})"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(_SCHEMA)
    row = connection.execute("SELECT format FROM about").fetchone()
    if row is None:
        connection.execute("INSERT INTO about VALUES (?)", (_FORMAT,))
    connection.execute("COMMIT")
    if row is not None and row[0] != _FORMAT:
        raise StoreError(
            f"{path}: is of format {row[0]}, this version reads {_FORMAT}; move the file away, or "
            "name another store"
        )
    connection.execute("SELECT key, value, expires, changed FROM state LIMIT 0")


def places_of(path: Path, real: Path) -> Places:
    """Return which files lie at the paths of a store that is open.

    Args:
        path: the file, or a link to it.
        real: the file, beside which SQLite keeps two more.

    Raises:
        OSError: one of them is gone.
    """
    found = [path.stat(), *(Path(f"{real}{suffix}").stat() for suffix in _BESIDE)]
    return tuple((one.st_dev, one.st_ino) for one in found)


def _tables(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the columns of each table."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    names = [name for (name,) in connection.execute(query)]
    columns = "SELECT name FROM pragma_table_info(?)"
    return {name: [column for (column,) in connection.execute(columns, (name,))] for name in names}
