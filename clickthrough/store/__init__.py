"""The online store: keys and bytes, read by scoring, written by events in transactions."""

from pathlib import Path

from clickthrough.store.base import Store
from clickthrough.store.memory import MemoryStore
from clickthrough.store.sqlite import SQLiteStore

__all__ = ["MemoryStore", "SQLiteStore", "Store", "open_store"]


def open_store(where: str | Path) -> Store:
    """Open a store: ``memory``, or the path of an SQLite file.

    Any bundle may use any store: keys begin with a digest of what their values mean.

    Raises:
        StoreError: the store cannot be opened.
    """
    return MemoryStore() if str(where) == "memory" else SQLiteStore(Path(where))
