"""Counters online: packed states in a store, over the bundle's snapshot."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.features import Counters
from clickthrough.features.columns import KeySet
from clickthrough.features.history.base import Changes
from clickthrough.features.history.keys import keys_of, read_layered
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.state import StateLayout, States
from clickthrough.features.rows import Value
from clickthrough.schema import Columns
from clickthrough.store.base import Reader, Transaction


def state_layout(key_set: KeySet, counters: Counters) -> StateLayout:
    """Return how the states of a key set are laid out."""
    return StateLayout(
        windows=np.array(key_set.windows, np.int64) // counters.tick,
        half_lives=np.array(key_set.half_lives, np.float64) / counters.tick,
        delay=counters.delay_ticks,
    )


class CounterHistory:
    """The counters and the age of one key set. A mark is the key."""

    def __init__(self, key_set: KeySet, counters: Counters, snapshot: Snapshot) -> None:
        self.key_set = key_set
        self.of = key_set.of
        self.layout = state_layout(key_set, counters)
        self._tick = counters.tick * 1_000_000
        self._snapshot = snapshot
        self._columns = key_set.columns()

    def marks(self, values: Mapping[str, Sequence[Value]]) -> list[bytes | None]:
        """Return the key of each row."""
        return keys_of(self.key_set.name, self.key_set.fields, values)

    def read(
        self, store: Reader, values: Mapping[str, Sequence[Value]], ticks: NDArray[np.int64]
    ) -> Columns:
        """Return age, impressions and clicks of rows, each of shape (n,); NaN without a key."""
        keys = self.marks(values)
        unique = {key: place for place, key in enumerate(dict.fromkeys(k for k in keys if k))}
        nobody = len(unique)
        states = self._states(store, [*unique, b""])
        places = np.array([unique[key] if key else nobody for key in keys], np.int64)
        found = self.layout.read(states.take(places), ticks.astype(np.float64))
        found[places == nobody] = np.nan
        return dict(zip(self._columns, found.T, strict=True))

    def add(self, tx: Transaction, marks: Sequence[bytes], changes: Changes, expires: int) -> None:
        """Count events."""
        rows = {key: place for place, key in enumerate(dict.fromkeys(marks))}
        states = self.layout.add(
            self._states(tx, list(rows)),
            np.fromiter(map(rows.__getitem__, marks), np.int64, len(marks)),
            (changes.time // self._tick).astype(np.float64),
            changes.counts,
        )
        packed = dict(zip(rows, self.layout.pack(states), strict=True))
        tx.write(packed, expires, changes.newest)

    def _states(self, store: Reader, keys: Sequence[bytes]) -> States:
        return self.layout.unpack(read_layered(store, self._snapshot, keys))
