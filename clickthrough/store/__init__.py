"""The online store: keys and bytes, read by scoring, written by events in transactions."""

from pathlib import Path

from clickthrough.store.base import Store
from clickthrough.store.memory import MemoryStore
from clickthrough.store.sqlite import SQLiteStore

__all__ = ["MemoryStore", "SQLiteStore", "Store", "open_store"]


def open_store(where: str | Path, declaration: str) -> Store:
    """Open a store: ``memory``, or the path of an SQLite file.

    Args:
        where: which store.
        declaration: digest of the counters that the store holds; an existing store of other
            counters is refused.

    Raises:
        StoreError: the store cannot be opened, or holds the counters of other features.
    """
    if str(where) == "memory":
        return MemoryStore()
    return SQLiteStore(Path(where), declaration)
