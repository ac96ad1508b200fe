"""Sequences online: the last clicked values of a key, in a store over the bundle's snapshot."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from clickthrough.config.features import Counters
from clickthrough.errors import StoreError
from clickthrough.features.columns import SequenceSet
from clickthrough.features.history.base import Changes
from clickthrough.features.history.digests import sequence_digest
from clickthrough.features.history.keys import Coded, KeyForm, coded_fields, read_layered, shown_key
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.lists import padded
from clickthrough.features.rows import Scalar, Value
from clickthrough.schema import Columns, FieldType, Schema
from clickthrough.store.base import Breathe, Reader, Transaction, nothing

_Moments = TypeVar("_Moments", int, NDArray[np.int64])
Click = tuple[int, int | str]
"""When (microseconds) and what."""

_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_WHOLE = msgspec.msgpack.Decoder(list[tuple[_Whole, _Whole]])
_DECODERS: dict[FieldType, msgspec.msgpack.Decoder[Any]] = {
    "int": _WHOLE,
    "bool": _WHOLE,
    "str": msgspec.msgpack.Decoder(list[tuple[_Whole, str]]),
}
"""By the type of the values: what else lies in a store is no sequence of them."""
_encode = msgspec.msgpack.Encoder().encode
_SLICE = 256
"""So many keys are updated before others are let in."""
_SPARE_TICKS = 2
"""Clicks are kept this much longer: a query one tick behind the newest one is still exact."""


class SequenceHistory:
    """The last clicks of one key. A mark is the key and the clicked value.

    Args:
        sequence: its key, field and length.
        schema: the types of its fields.
        counters: tick and label delay.
        snapshot: what a bundle knew of each key.
    """

    def __init__(
        self, sequence: SequenceSet, schema: Schema, counters: Counters, snapshot: Snapshot
    ) -> None:
        self.sequence = sequence
        self.of = sequence.of
        self.fields = (*sequence.key, sequence.field)
        self.digest = sequence_digest(sequence, schema, counters)
        self.form = KeyForm(self.digest, sequence.name, sequence.key)
        self.kind = schema.fields[sequence.field]
        self._decoder = _DECODERS[self.kind]
        self._tick = counters.tick * 1_000_000
        self._delay = counters.delay_ticks
        self.snapshot = snapshot

    def marks(
        self, values: Mapping[str, Sequence[Value]], of: Mapping[str, Coded]
    ) -> list[tuple[bytes, Value] | None]:
        """Return the key and the value of each row; None where either is missing."""
        keys = self.form.of_rows(of)
        own = values[self.sequence.field]
        return [
            None if key is None or value is None else (key, value)
            for key, value in zip(keys, own, strict=True)
        ]

    def read(
        self, store: Reader, values: Mapping[str, Sequence[Value]], ticks: NDArray[np.int64]
    ) -> Columns:
        """Return the values, shape (n, length), and how many they are, NaN without a key."""
        keys = self.form.distinct(coded_fields(values, self.sequence.key))
        return self.columns(keys, read_layered(store, self.snapshot, keys.parts), ticks)

    def columns(
        self,
        keys: Coded,
        states: Sequence[bytes | None],
        ticks: NDArray[np.int64],
    ) -> Columns:
        """Return the history columns of rows, or of the one that all share; see :meth:`read`."""
        clicks = [*map(self.unpack, keys.parts, states)]
        places, moments = keys.places.rows, ticks.tolist()
        count = max(len(places), len(moments))
        full = places if len(places) == count else places * count
        moments = moments if len(moments) == count else moments * count
        # candidates of a request share their key and tick, so most rows are answered by another
        known: dict[tuple[int, int], list[Scalar]] = {}
        rows: list[list[Scalar]] = []
        for asked in zip(full, moments, strict=True):
            if asked not in known:
                place, tick = asked
                known[asked] = self._as_of(clicks[place], tick) if place >= 0 else []
            rows.append(known[asked])
        pairs = zip(full, rows, strict=True)
        sizes = [float(len(row)) if place >= 0 else np.nan for place, row in pairs]
        made = padded(rows, self.sequence.length, self.kind)
        return {self.sequence.name: made, self.sequence.size: np.array(sizes, np.float64)}

    def add(
        self,
        tx: Transaction,
        marks: Sequence[tuple[bytes, int | str]],
        changes: Changes,
        expires: int,
        breathe: Breathe = nothing,
    ) -> None:
        """Remember clicks."""
        fresh: dict[bytes, list[Click]] = {}
        times = changes.time.tolist()
        for place in np.flatnonzero(changes.counts[:, 1]).tolist():
            key, value = marks[place]
            fresh.setdefault(key, []).append((times[place], value))
        for start in range(0, len(fresh), _SLICE):
            keys = [*islice(fresh, start, start + _SLICE)]
            packed = read_layered(tx, self.snapshot, keys)
            made = {
                key: self.pack([*self.unpack(key, state), *fresh[key]])
                for key, state in zip(keys, packed, strict=True)
            }
            tx.write(made, expires, changes.newest)
            breathe()

    def unpack(self, key: bytes, state: bytes | None) -> list[Click]:
        """Return the clicks of a key, as a store holds them.

        Raises:
            StoreError: its state is no list of them.
        """
        if state is None:
            return []
        try:
            return self._decoder.decode(state)  # type: ignore[no-any-return]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(
                f"sequence '{self.sequence.name}': what the store holds for key {shown_key(key)} "
                f"is no list of clicks: {error}; move the store's file away"
            ) from None

    def pack(self, clicks: Iterable[Click]) -> bytes:
        """Return clicks as a store holds them: in order, less those that no query can reach."""
        ordered = sorted(clicks)
        reachable = self.reachable(ordered[-1][0])
        hidden = bisect_left(ordered, reachable, key=lambda click: click[0])
        return _encode(ordered[max(0, hidden - self.sequence.length) :])

    def reachable(self, newest: _Moments) -> _Moments:
        """Return from when on a query may tell clicks apart, given the newest of a key.

        Of earlier ones it sees the last alone.
        """
        return (newest // self._tick - self._delay - _SPARE_TICKS) * self._tick

    def _as_of(self, clicks: list[Click], tick: int) -> list[Scalar]:
        """Return the values of the last clicks before a tick's horizon, the latest first."""
        horizon = (tick - self._delay) * self._tick
        end = len(clicks)
        if clicks and clicks[-1][0] >= horizon:  # seldom: most clicks are older
            end = bisect_left(clicks, horizon, key=lambda click: click[0])
        start = max(0, end - self.sequence.length)
        return [value for _, value in clicks[start:end][::-1]]
