"""Keys as stores and bundles hold them.

A bundle's snapshots each hold one key set, so their keys need no digest; a store's keys begin
with that of their set.
"""

from collections.abc import Mapping, Sequence

import msgspec

from clickthrough.features.history.digests import DIGEST
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.rows import Value
from clickthrough.store.base import Reader

_encode = msgspec.msgpack.Encoder().encode
_SHOWN = 80
"""Characters of a key in a message."""


def key_bytes(name: str, parts: Sequence[Value]) -> bytes | None:
    """Return a key as a snapshot holds it; None where any part is missing."""
    if None in parts:
        return None
    return _encode((name, *parts))


def keys_of(
    digest: bytes, name: str, fields: Sequence[str], values: Mapping[str, Sequence[Value]]
) -> list[bytes | None]:
    """Return the key of each row in a store; a single one where all rows share the fields."""
    # what every key begins with, made once: a key without values, less the bytes of these
    nobody = [None] * len(fields)
    head = digest + _encode((name, *nobody))[: -len(fields)]
    if len(fields) == 1:
        own = values[fields[0]]
        return [None if value is None else head + _encode(value) for value in own]
    columns = [[None if v is None else _encode(v) for v in values[field]] for field in fields]
    rows = max(map(len, columns))
    full = [column if len(column) == rows else column * rows for column in columns]
    return [None if None in parts else head + b"".join(parts) for parts in zip(*full, strict=True)]


def shown_key(key: bytes) -> str:
    """Return a store's key for a message, cut where it is long."""
    told = repr(key[DIGEST:])
    return told if len(told) <= _SHOWN else f"{told[:_SHOWN]}..."


Asked = tuple[Snapshot, Sequence[bytes]]
"""Keys of a history, as stores hold them, and what the bundle knew of it."""


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
            values = snapshot.read([keys[place - start][DIGEST:] for place in absent])
            for place, value in zip(absent, values, strict=True):
                found[place] = value
    return found
