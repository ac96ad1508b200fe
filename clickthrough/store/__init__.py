"""The online store: keys and bytes, read by scoring, written by events in transactions."""

from pathlib import Path

from clickthrough.errors import StoreError
from clickthrough.store.base import Store
from clickthrough.store.memory import MemoryStore
from clickthrough.store.redis import SCHEMES, open_redis
from clickthrough.store.sqlite import SQLiteStore

__all__ = ["MemoryStore", "SQLiteStore", "Store", "open_store"]


def open_store(where: str | Path) -> Store:
    """Open a store: ``memory``, the path of an SQLite file, or ``redis://HOST``.

    Any bundle may use any store: keys begin with a digest of what their values mean.

    Raises:
        StoreError: the store cannot be opened.
    """
    text = str(where).strip()
    scheme, divided, rest = text.partition("://")
    if divided:
        if f"{scheme.lower()}://" not in SCHEMES:
            raise StoreError(
                f"store: {scheme[:20]}://: expected redis://, rediss://, 'memory' or a file"
            )
        return open_redis(f"{scheme.lower()}://{rest}")
    return MemoryStore() if str(where) == "memory" else SQLiteStore(Path(where))
