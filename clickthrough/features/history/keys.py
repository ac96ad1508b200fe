"""Keys as stores and bundles hold them.

A bundle's snapshots each hold one key set, so their keys need no digest; a store's keys begin
with that of their set.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import repeat
from operator import getitem
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from clickthrough.features.history.digests import DIGEST
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.rows import Scalar, Value
from clickthrough.store.base import Reader

_encode = msgspec.msgpack.Encoder().encode
_SEVERAL = 2
_SHOWN = 80
"""Characters of a key in a message."""


def key_bytes(name: str, parts: Sequence[Value]) -> bytes | None:
    """Return a key as a snapshot holds it; None where any part is missing."""
    if None in parts:
        return None
    return _encode((name, *parts))


def keys_bytes(name: str, columns: Sequence[Sequence[Value]]) -> list[bytes]:
    """Return the keys of rows, given a column a part: :func:`key_bytes` where none is missing."""
    return [*map(_encode, zip(repeat(name), *columns))]


class Places:
    """Which of some distinct values each row has.

    Attributes:
        rows: the number of its value, or -1 where it is missing; one that all rows share.
    """

    def __init__(self, rows: list[int]) -> None:
        self.rows = rows

    @cached_property
    def array(self) -> NDArray[np.int64]:
        """The same as an array."""
        return np.array(self.rows, np.int64)


class Coded(NamedTuple):
    """What rows say of a field, or of several together: each distinct value once.

    Attributes:
        parts: the bytes of each distinct value.
        places: which of them each row has.
    """

    parts: list[bytes]
    places: Places


def coded(values: Sequence[Value]) -> Coded:
    """Encode what rows say of a field, all of its type; or what all of them share."""
    if len(values) == 1:
        (own,) = values
        return Coded([], Places([-1])) if own is None else Coded([_encode(own)], Places([0]))
    rows: Sequence[Scalar] = values  # type: ignore[assignment]
    distinct = dict.fromkeys(rows)
    distinct.pop(None, None)
    numbers: dict[Scalar, int] = dict(zip(distinct, range(len(distinct)), strict=True))
    numbers[None] = -1
    return Coded([*map(_encode, distinct)], Places([*map(numbers.__getitem__, rows)]))


def coded_fields(values: Mapping[str, Sequence[Value]], fields: Iterable[str]) -> dict[str, Coded]:
    """Encode what rows say of some fields: once, for whatever keys they are parts of."""
    return {field: coded(values[field]) for field in fields}


class KeyForm:
    """How the keys of a history are made, as a store holds them.

    Args:
        digest: what they begin with.
        name: of the key set or sequence set.
        fields: whose values follow.
    """

    def __init__(self, digest: bytes, name: str, fields: Sequence[str]) -> None:
        # a key without values, less the bytes of these
        self._head = digest + _encode((name, *[None] * len(fields)))[: -len(fields)]
        self.fields = fields

    def distinct(self, of: Mapping[str, Coded]) -> Coded:
        """Return the keys of rows, each of them once, from what the rows say of each field."""
        head, several = self._head, [of[field] for field in self.fields]
        if len(several) == 1:
            ((parts, places),) = several
            return Coded([head + part for part in parts], places)
        varied = [own for own in several if len(own.places.rows) > 1]
        if len(varied) >= _SEVERAL:
            return self._of_rows_apart(several, max(len(own.places.rows) for own in varied))
        (one,) = varied or several[:1]  # each of its values makes one key
        columns = [own.parts if own is one else own.parts * len(one.parts) for own in several]
        keys = [head + b"".join(parts) for parts in zip(*columns)]  # noqa: B905 - none is none
        return Coded(keys, one.places if keys else Places([-1] * len(one.places.rows)))

    def _of_rows_apart(self, several: Sequence[Coded], rows: int) -> Coded:
        """Return the keys of rows that differ in more than one field."""
        head, each = self._head, [own.parts for own in several]
        places = [own.places.rows for own in several]
        found = [*zip(*(own if len(own) == rows else own * rows for own in places), strict=True)]
        distinct = [those for those in dict.fromkeys(found) if -1 not in those]
        numbers = dict(zip(distinct, range(len(distinct)), strict=True))
        keys = [head + b"".join(map(getitem, each, those)) for those in distinct]
        return Coded(keys, Places([numbers.get(those, -1) for those in found]))

    def of_rows(self, of: Mapping[str, Coded]) -> list[bytes | None]:
        """Return the key of each row; a single one where all rows share the fields."""
        keys, places = self.distinct(of)
        held: list[bytes | None] = [*keys, None]  # the last is that of -1
        return [held[place] for place in places.rows]


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
        own = found[start:end]
        if None in own and len(snapshot):
            absent = [place for place, value in enumerate(own) if value is None]
            values = snapshot.read([keys[place][DIGEST:] for place in absent])
            for place, value in zip(absent, values, strict=True):
                found[start + place] = value
    return found
