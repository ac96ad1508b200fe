"""Sequences online: the last clicked values of a key, in a store over the bundle's snapshot."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from clickthrough.config.features import Counters
from clickthrough.features.columns import SequenceSet
from clickthrough.features.history.base import Changes
from clickthrough.features.history.keys import keys_of, read_layered
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.rows import Scalar, Value, padded
from clickthrough.schema import Columns, FieldType
from clickthrough.store.base import Reader, Transaction

Click = tuple[int, int | str]
"""When (microseconds) and what."""

_decode = msgspec.msgpack.Decoder(list[Click]).decode
_encode = msgspec.msgpack.Encoder().encode
_SPARE_TICKS = 2
"""Clicks are kept this much longer: a query one tick behind the newest one is still exact."""


class SequenceHistory:
    """The last clicks of one key. A mark is the key and the clicked value."""

    def __init__(
        self, sequence: SequenceSet, kind: FieldType, counters: Counters, snapshot: Snapshot
    ) -> None:
        self.sequence = sequence
        self.of = sequence.of
        self._kind = kind
        self._tick = counters.tick * 1_000_000
        self._delay = counters.delay_ticks
        self.snapshot = snapshot

    def keys(self, values: Mapping[str, Sequence[Value]]) -> list[bytes | None]:
        """Return the key of each row, or the one that all rows share."""
        return keys_of(self.sequence.name, self.sequence.key, values)

    def marks(self, values: Mapping[str, Sequence[Value]]) -> list[tuple[bytes, Value] | None]:
        """Return the key and the value of each row; None where either is missing."""
        keys = self.keys(values)
        own = values[self.sequence.field]
        return [
            None if key is None or value is None else (key, value)
            for key, value in zip(keys, own, strict=True)
        ]

    def read(
        self, store: Reader, values: Mapping[str, Sequence[Value]], ticks: NDArray[np.int64]
    ) -> Columns:
        """Return the values, shape (n, length), and how many they are, NaN without a key."""
        keys = self.keys(values)
        unique = list(dict.fromkeys(key for key in keys if key))
        packed = read_layered(store, self.snapshot, unique)
        return self.columns(keys, dict(zip(unique, packed, strict=True)), ticks)

    def columns(
        self,
        keys: Sequence[bytes | None],
        states: Mapping[bytes, bytes | None],
        ticks: NDArray[np.int64],
    ) -> Columns:
        """Return the history columns of rows, or of the one that all share; see :meth:`read`."""
        clicks = {key: _decode(state) if state else [] for key, state in states.items()}
        count = max(len(keys), len(ticks))
        full = list(keys) if len(keys) == count else [*keys] * count
        moments = ticks.tolist() if len(ticks) == count else ticks.tolist() * count
        # candidates of a request share their key and tick, so most rows are answered by another
        known: dict[tuple[bytes, int], list[Scalar]] = {}
        rows: list[list[Scalar]] = []
        for key, tick in zip(full, moments, strict=True):
            if key is None:
                rows.append([])
                continue
            if (key, tick) not in known:
                known[key, tick] = self._as_of(clicks[key], tick)
            rows.append(known[key, tick])
        sizes = [float(len(row)) if key else np.nan for key, row in zip(full, rows, strict=True)]
        made = padded(rows, self.sequence.length, self._kind)
        return {self.sequence.name: made, self.sequence.size: np.array(sizes, np.float64)}

    def add(
        self,
        tx: Transaction,
        marks: Sequence[tuple[bytes, int | str]],
        changes: Changes,
        expires: int,
    ) -> None:
        """Remember clicks."""
        fresh: dict[bytes, list[Click]] = {}
        times = changes.time.tolist()
        for place in np.flatnonzero(changes.counts[:, 1]).tolist():
            key, value = marks[place]
            fresh.setdefault(key, []).append((times[place], value))
        keys = list(fresh)
        packed = read_layered(tx, self.snapshot, keys)
        tx.write(
            {
                key: self.pack([*(_decode(state) if state else []), *fresh[key]])
                for key, state in zip(keys, packed, strict=True)
            },
            expires,
            changes.newest,
        )

    def pack(self, clicks: Iterable[Click]) -> bytes:
        """Return clicks as a store holds them: in order, less those that no query can reach."""
        ordered = sorted(clicks)
        reachable = (ordered[-1][0] // self._tick - self._delay - _SPARE_TICKS) * self._tick
        hidden = bisect_left(ordered, reachable, key=lambda click: click[0])
        return _encode(ordered[max(0, hidden - self.sequence.length) :])

    def _as_of(self, clicks: list[Click], tick: int) -> list[Scalar]:
        """Return the values of the last clicks before a tick's horizon, the latest first."""
        horizon = (tick - self._delay) * self._tick
        end = bisect_left(clicks, horizon, key=lambda click: click[0])
        start = max(0, end - self.sequence.length)
        return [value for _, value in reversed(clicks[start:end])]
