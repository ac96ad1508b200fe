"""The online half of history: counters in a store, written by events and read by scoring."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from clickthrough.config.features import Counters
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.state import Floats, StateLayout, add_events
from clickthrough.features.history.ticks import in_ticks
from clickthrough.features.plan import KeySet
from clickthrough.features.rows import Value
from clickthrough.store.base import Reader, Transaction

_encode = msgspec.msgpack.Encoder().encode


def key_bytes(key_set: str, parts: Sequence[Value]) -> bytes | None:
    """Return a key as stored; None (a missing counter) where any part is missing."""
    if any(part is None for part in parts):
        return None
    return _encode([key_set, *parts])


def keys_of(key_set: KeySet, values: Mapping[str, Sequence[Value]]) -> list[bytes | None]:
    """Return the key of each row for one key set."""
    columns = [values[field] for field in key_set.fields]
    return [key_bytes(key_set.name, parts) for parts in zip(*columns, strict=True)]


class KeyHistory:
    """The counters of one key set: states from the store, else from the bundle's snapshot."""

    def __init__(self, key_set: KeySet, counters: Counters, snapshot: Snapshot) -> None:
        self.key_set = key_set
        self.layout = StateLayout(in_ticks(key_set.half_lives, counters.tick), counters.delay_ticks)
        self.snapshot = snapshot

    def read(
        self, store: Reader, values: Mapping[str, Sequence[Value]], ticks: NDArray[np.int64]
    ) -> dict[str, Floats]:
        """Return the history columns of rows, each of shape (n,), as of their ticks."""
        keys = keys_of(self.key_set, values)
        unique = {key: place for place, key in enumerate(dict.fromkeys(k for k in keys if k))}
        states = self._states(store, list(unique))
        place = np.array([unique[key] if key else len(unique) for key in keys], np.int64)
        states = np.concatenate([states, self.layout.empty(1)])
        found = self.layout.read(states[place], ticks.astype(np.float64))
        found[place == len(unique)] = np.nan
        return dict(zip(self.columns(), found.T, strict=True))

    def add(self, tx: Transaction, events: Mapping[tuple[bytes, int], tuple[int, int]]) -> None:
        """Count events: (key, tick) -> impressions and clicks."""
        rows = {key: place for place, key in enumerate(dict.fromkeys(key for key, _ in events))}
        states = self._states(tx, list(rows))
        add_events(
            self.layout,
            states,
            np.array([rows[key] for key, _ in events], np.int64),
            np.array([tick for _, tick in events], np.float64),
            np.array(list(events.values()), np.float64),
        )
        tx.write({key: states[place].tobytes() for key, place in rows.items()})

    def columns(self) -> list[str]:
        """Return the names of the history columns, in the order of a state's reading."""
        name = self.key_set.column
        lives = self.key_set.half_lives
        return [
            name("age"),
            name("impressions"),
            name("clicks"),
            *(name("impressions", life) for life in lives),
            *(name("clicks", life) for life in lives),
        ]

    def _states(self, store: Reader, keys: list[bytes]) -> Floats:
        """Return states, shape (K, width): the store's, else the snapshot's, else empty."""
        stored = store.read(keys)
        states = self.layout.empty(len(keys))
        absent = [place for place, state in enumerate(stored) if state is None]
        if len(absent) < len(keys):
            present = [place for place, state in enumerate(stored) if state is not None]
            joined = b"".join(state for state in stored if state is not None)
            states[present] = np.frombuffer(joined).reshape(-1, self.layout.width)
        if absent:
            self.snapshot.fill(states, absent, [keys[place] for place in absent])
        return states
