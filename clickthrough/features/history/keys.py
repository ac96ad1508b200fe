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
    return _encode((name, *parts))


def keys_of(
    name: str, fields: Sequence[str], values: Mapping[str, Sequence[Value]]
) -> list[bytes | None]:
    """Return the key of each row; a single one where all rows share the fields."""
    if len(fields) == 1:
        own = values[fields[0]]
        return [None if value is None else _encode((name, value)) for value in own]
    columns = [values[field] for field in fields]
    rows = max(map(len, columns))
    full = [column if len(column) == rows else [*column] * rows for column in columns]
    return [key_bytes(name, parts) for parts in zip(*full, strict=True)]


Asked = tuple[Snapshot, Sequence[bytes]]
"""Keys of a history, and what the bundle knew of it."""


def read_layered(store: Reader, snapshot: Snapshot, keys: Sequence[bytes]) -> list[bytes | None]:
    """Return each key's value: the store's, else what the bundle knew, else None."""
    return read_each_layered(store, [(snapshot, keys)])


def read_each_layered(store: Reader, asked: Sequence[Asked]) -> list[bytes | None]:
    """Return the values of several histories' keys one after another, asking the store once."""
    found = store.read([key for _, keys in asked for key in keys])
    if None not in found:
        return found
    end = 0
    for snapshot, keys in asked:
        start, end = end, end + len(keys)
        absent = [place for place in range(start, end) if found[place] is None]
        if absent and len(snapshot):
            values = snapshot.read([keys[place - start] for place in absent])
            for place, value in zip(absent, values, strict=True):
                found[place] = value
    return found
