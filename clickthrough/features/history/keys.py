"""Keys as stores hold them."""

from collections.abc import Mapping, Sequence

import msgspec

from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.rows import Value
from clickthrough.store.base import Reader

_encode = msgspec.msgpack.Encoder().encode


def key_bytes(name: str, parts: Sequence[Value]) -> bytes | None:
    """Return a key of a key set or sequence set; None where any part is missing."""
    if None in parts:
        return None
    return _encode([name, *parts])


def keys_of(
    name: str, fields: Sequence[str], values: Mapping[str, Sequence[Value]]
) -> list[bytes | None]:
    """Return the key of each row."""
    columns = [values[field] for field in fields]
    return [key_bytes(name, parts) for parts in zip(*columns, strict=True)]


def read_layered(store: Reader, snapshot: Snapshot, keys: Sequence[bytes]) -> list[bytes | None]:
    """Return each key's value: the store's, else what the bundle knew, else None."""
    found = store.read(keys)
    absent = [place for place, value in enumerate(found) if value is None]
    if absent and len(snapshot):
        for place, value in zip(absent, snapshot.read([keys[i] for i in absent]), strict=True):
            found[place] = value
    return found
