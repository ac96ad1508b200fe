"""Counters online: packed states in a store, over the bundle's snapshot."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, islice

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.features import Counters
from clickthrough.errors import StoreError
from clickthrough.features.columns import KeySet
from clickthrough.features.history.asking import Asking
from clickthrough.features.history.base import Changes
from clickthrough.features.history.digests import counters_digest
from clickthrough.features.history.few import Query, add_few, read_few
from clickthrough.features.history.keys import (
    Asked,
    keys_of,
    read_each_layered,
    read_layered,
    shown_key,
)
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.state import Reach, StateLayout, UnsoundStateError, read_states
from clickthrough.features.rows import Value
from clickthrough.schema import Columns, Schema
from clickthrough.store.base import Breathe, Reader, Transaction, nothing

_FEW = 16
"""So many queries are answered one by one: all at once would take longer."""
_SLICE = 512
"""So many keys are updated before others are let in: two milliseconds."""


def state_layout(key_set: KeySet, counters: Counters) -> StateLayout:
    """Return how the states of a key set are laid out."""
    return StateLayout(
        windows=np.array(key_set.windows, np.int64) // counters.tick,
        half_lives=np.array(key_set.half_lives, np.float64) / counters.tick,
        delay=counters.delay_ticks,
    )


class CounterHistory:
    """The counters and the age of one key set. A mark is the key.

    Args:
        key_set: its fields, windows and half-lives.
        schema: the types of its fields.
        counters: tick and label delay.
        snapshot: what a bundle knew of each key.
    """

    def __init__(
        self, key_set: KeySet, schema: Schema, counters: Counters, snapshot: Snapshot
    ) -> None:
        self.key_set = key_set
        self.of = key_set.of
        self.fields = key_set.fields
        self.digest = counters_digest(key_set, schema, counters)
        self.layout = state_layout(key_set, counters)
        self._tick = counters.tick * 1_000_000
        self.snapshot = snapshot
        self._columns = key_set.columns()

    def marks(self, values: Mapping[str, Sequence[Value]]) -> list[bytes | None]:
        """Return the key of each row."""
        return keys_of(self.digest, self.key_set.name, self.key_set.fields, values)

    @property
    def columns(self) -> list[str]:
        """The history columns: age, then impressions and clicks of each counter."""
        return self._columns

    def keys(self, values: Mapping[str, Sequence[Value]]) -> list[bytes | None]:
        """Return the key of each row, or the one that all rows share."""
        return self.marks(values)

    def read(
        self, store: Reader, values: Mapping[str, Sequence[Value]], ticks: NDArray[np.int64]
    ) -> Columns:
        """Return age, impressions and clicks of rows, each of shape (n,); NaN without a key."""
        asked = CounterQueries([self], values, ticks)
        return asked.columns(read_each_layered(store, asked.asked))

    def add(
        self,
        tx: Transaction,
        marks: Sequence[bytes],
        changes: Changes,
        expires: int,
        breathe: Breathe = nothing,
    ) -> None:
        """Count events."""
        rows = {key: place for place, key in enumerate(dict.fromkeys(marks))}
        keys = list(rows)
        if len(marks) <= _FEW:
            self._add(tx, keys, [rows[mark] for mark in marks], changes, expires)
            return
        row_of = np.fromiter(map(rows.__getitem__, marks), np.int64, len(marks))
        for start in range(0, len(keys), _SLICE):
            part = keys[start : start + _SLICE]
            own = (row_of >= start) & (row_of < start + _SLICE)
            self._add(tx, part, row_of[own] - start, changes[own], expires)
            breathe()

    def _add(
        self,
        tx: Transaction,
        keys: Sequence[bytes],
        rows: Sequence[int] | NDArray[np.int64],
        changes: Changes,
        expires: int,
    ) -> None:
        """Count events of some keys; ``rows`` says which key each is of."""
        found = read_layered(tx, self.snapshot, keys)
        try:
            made = self._added(found, rows, changes)
        except UnsoundStateError:
            raise self.unsound(keys, found) from None
        tx.write(dict(zip(keys, made, strict=True)), expires, changes.newest)

    def _added(
        self,
        states: Sequence[bytes | None],
        rows: Sequence[int] | NDArray[np.int64],
        changes: Changes,
    ) -> list[bytes]:
        """Return states after events."""
        if isinstance(rows, list):
            of_each = [
                (row, float(time // self._tick), shown, clicked)
                for row, (time, shown, clicked) in zip(rows, changes.each, strict=True)
            ]
            if (made := add_few(self.layout, states, of_each)) is not None:
                return made
        ticks = (changes.time // self._tick).astype(np.float64)
        unpacked = self.layout.unpack(states)
        rows = np.asarray(rows, np.int64)
        return self.layout.pack(self.layout.add(unpacked, rows, ticks, changes.counts))

    def unsound(self, keys: Sequence[bytes], states: Sequence[bytes | None]) -> StoreError:
        """Return an error that names the first key whose state is none."""
        pairs = zip(keys, states, strict=True)
        key, size = next(
            (key, len(state))
            for key, state in pairs
            if state is not None and not self.layout.is_sound(state)
        )
        return StoreError(
            f"key set '{self.key_set.name}': the store holds {size} bytes for key "
            f"{shown_key(key)}, which are no state of it; move the store's file away"
        )


class CounterQueries:
    """What rows ask of the counters of several key sets.

    Args:
        histories: the key sets.
        values: our field name -> a value a row, or one that all share.
        ticks: of each row, or one that all share.

    Attributes:
        asked: the keys of each key set.
    """

    def __init__(
        self,
        histories: Sequence[CounterHistory],
        values: Mapping[str, Sequence[Value]],
        ticks: NDArray[np.int64],
    ) -> None:
        self._histories, self._ticks = histories, ticks
        self._keys = [history.keys(values) for history in histories]
        self._few = sum(max(len(keys), len(ticks)) for keys in self._keys) <= _FEW
        if self._few:
            each: list[list[bytes]] = [[k for k in keys if k is not None] for keys in self._keys]
        else:
            self._distinct = [Asking(keys, ticks) for keys in self._keys]
            each = [asking.keys for asking in self._distinct]
        self.asked: list[Asked] = [
            (history.snapshot, keys) for history, keys in zip(histories, each, strict=True)
        ]

    def columns(self, states: Sequence[bytes | None]) -> Columns:
        """Return the history columns, of shape (n,), or (1,) where all rows share the key.

        Args:
            states: of the keys that are asked for, one after another.

        Raises:
            StoreError: one of them is no state of its key set.
        """
        try:
            if self._few:
                return self._one_by_one(states)
            found = iter(states)
            each = [list(islice(found, len(keys))) for _, keys in self.asked]
            return _all_at_once(self._histories, self._distinct, each)
        except UnsoundStateError:
            raise self._unsound(states) from None

    def _unsound(self, states: Sequence[bytes | None]) -> StoreError:
        """Return an error that names the first key whose state is none."""
        start = 0
        for history, (_, keys) in zip(self._histories, self.asked, strict=True):
            own = states[start : start + len(keys)]
            start += len(keys)
            if not all(state is None or history.layout.is_sound(state) for state in own):
                break
        return history.unsound(keys, own)

    def _one_by_one(self, asked: Sequence[bytes | None]) -> Columns:
        if b"" in asked:  # which stands for a key never seen below
            raise UnsoundStateError
        found, ticks = iter(asked), self._ticks.tolist()
        queries: list[Query] = []
        for history, keys in zip(self._histories, self._keys, strict=True):
            states = [None if key is None else next(found) or b"" for key in keys]
            rows = max(len(states), len(ticks))
            full = states if len(states) == rows else states * rows
            moments = ticks if len(ticks) == rows else ticks * rows
            queries += [(history.layout, *pair) for pair in zip(full, moments, strict=True)]
        known = iter(read_few(queries))
        made: Columns = {}
        for history, keys in zip(self._histories, self._keys, strict=True):
            own = np.array(list(islice(known, max(len(keys), len(ticks)))))
            made.update(zip(history.columns, own.T, strict=True))
        return made


def _all_at_once(
    histories: Sequence[CounterHistory],
    asked: Sequence[Asking],
    states: Sequence[Sequence[bytes | None]],
) -> Columns:
    """Return the columns of several key sets, with one look at all whose states are alike."""
    alike: dict[tuple[int, int], list[int]] = {}
    for place, history in enumerate(histories):
        shape = (len(history.layout.windows), len(history.layout.half_lives))
        alike.setdefault(shape, []).append(place)
    made: Columns = {}
    for group in alike.values():
        layouts = [histories[place].layout for place in group]
        packed = [asked[place].of_each_query(states[place]) for place in group]
        sizes = [len(part) for part in packed]
        known = read_states(
            layouts[0].unpack([state for part in packed for state in part]),
            np.concatenate([asked[place].ticks for place in group]).astype(np.float64),
            _reach(layouts, sizes),
        )
        for place, end, size in zip(group, accumulate(sizes), sizes, strict=True):
            found = asked[place].of_each_row(known[end - size : end])
            made.update(zip(histories[place].columns, found.T, strict=True))
    return made


def _reach(layouts: Sequence[StateLayout], sizes: Sequence[int]) -> Reach:
    windows = np.array([layout.windows for layout in layouts])
    half_lives = np.array([layout.half_lives for layout in layouts])
    if len(layouts) > 1:
        windows, half_lives = windows.repeat(sizes, axis=0), half_lives.repeat(sizes, axis=0)
    return Reach(windows, half_lives, layouts[0].delay)
