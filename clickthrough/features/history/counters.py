"""Counters online: packed states in a store, over the bundle's snapshot."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, chain, islice

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
    Coded,
    KeyForm,
    coded_fields,
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
        self.form = KeyForm(self.digest, key_set.name, key_set.fields)
        self.layout = state_layout(key_set, counters)
        self._tick = counters.tick * 1_000_000
        self.snapshot = snapshot
        self._columns = key_set.columns()

    def marks(
        self, values: Mapping[str, Sequence[Value]], of: Mapping[str, Coded]
    ) -> list[bytes | None]:
        """Return the key of each row."""
        return self.form.of_rows(of)

    @property
    def columns(self) -> list[str]:
        """The history columns: age, then impressions and clicks of each counter."""
        return self._columns

    def read(
        self, store: Reader, values: Mapping[str, Sequence[Value]], ticks: NDArray[np.int64]
    ) -> Columns:
        """Return age, impressions and clicks of rows, each of shape (n,); NaN without a key."""
        asked = CounterSets([self]).ask(coded_fields(values, self.fields), ticks)
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
            return add_few(self.layout, states, of_each)
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


class CounterSets:
    """The counters of several key sets, which are read together.

    Args:
        histories: the key sets.
    """

    def __init__(self, histories: Sequence[CounterHistory]) -> None:
        self.histories = histories
        alike: dict[tuple[int, int], list[int]] = {}
        for place, history in enumerate(histories):
            shape = (len(history.layout.windows), len(history.layout.half_lives))
            alike.setdefault(shape, []).append(place)
        self.alike = [*alike.values()]

    def ask(self, of: Mapping[str, Coded], ticks: NDArray[np.int64]) -> "CounterQueries":
        """Return what rows ask.

        Args:
            of: field -> what the rows say of it.
            ticks: of each row, or one that all share.
        """
        return CounterQueries(self, [h.form.distinct(of) for h in self.histories], ticks)


class CounterQueries:
    """What rows ask of the counters of several key sets.

    Args:
        sets: the key sets.
        keys: of each key set.
        ticks: of each row, or one that all share.

    Attributes:
        asked: the keys of each key set.
    """

    def __init__(self, sets: CounterSets, keys: Sequence[Coded], ticks: NDArray[np.int64]) -> None:
        self._sets, self._keys, self._ticks = sets, keys, ticks
        self.asked: list[Asked] = [
            (history.snapshot, own.parts) for history, own in zip(sets.histories, keys, strict=True)
        ]

    def columns(self, states: Sequence[bytes | None]) -> Columns:
        """Return the history columns, of shape (n,), or (1,) where all rows share the key.

        Args:
            states: of the keys that are asked for, one after another.

        Raises:
            StoreError: one of them is no state of its key set.
        """
        found = iter(states)
        each = [[*islice(found, len(keys))] for _, keys in self.asked]
        few, many = self._divided()
        try:
            made = self._one_by_one(few, each) if few else {}
            for group in many:
                made |= self._at_once(group, each)
        except UnsoundStateError:
            raise self._unsound(each) from None
        return made

    def _divided(self) -> tuple[list[int], list[list[int]]]:
        """Return the key sets that are read one by one, and groups of those read at once."""
        rows = [max(len(own.places.rows), len(self._ticks)) for own in self._keys]
        if sum(rows) <= _FEW:
            return [*range(len(rows))], []
        few: list[int] = []
        many: list[list[int]] = []
        for group in self._sets.alike:
            if sum(rows[place] for place in group) <= _FEW:
                few += group
            else:
                many.append(group)
        return few, many

    def _unsound(self, each: Sequence[Sequence[bytes | None]]) -> StoreError:
        """Return an error that names the first key whose state is none."""
        own = zip(self._sets.histories, self._keys, each, strict=True)
        history, keys, states = next(
            (history, keys, states)
            for history, keys, states in own
            if not all(state is None or history.layout.is_sound(state) for state in states)
        )
        return history.unsound(keys.parts, states)

    def _one_by_one(self, sets: Sequence[int], each: Sequence[Sequence[bytes | None]]) -> Columns:
        """Return the columns of some key sets, whose queries are few."""
        if any(b"" in each[place] for place in sets):  # stands for a key never seen below
            raise UnsoundStateError
        ticks, queries = self._ticks.tolist(), list[Query]()
        for number in sets:
            layout, own = self._sets.histories[number].layout, self._keys[number].places.rows
            held = [*(state or b"" for state in each[number]), None]  # the last is that of -1
            count = max(len(own), len(ticks))
            places = own if len(own) == count else own * count
            moments = ticks if len(ticks) == count else ticks * count
            pairs = zip(places, moments, strict=True)
            queries += [(layout, held[place], tick) for place, tick in pairs]
        known = np.array([*chain.from_iterable(read_few(queries))])
        names = [name for number in sets for name in self._sets.histories[number].columns]
        if len(names) == len(known):  # all have one query
            return dict(zip(names, known[:, None], strict=True))
        made: Columns = {}
        for number in sets:
            columns = self._sets.histories[number].columns
            size = max(len(self._keys[number].places.rows), len(ticks)) * len(columns)
            told, known = known[:size].reshape(-1, len(columns)), known[size:]
            made.update(zip(columns, told.T, strict=True))
        return made

    def _at_once(self, sets: Sequence[int], each: Sequence[Sequence[bytes | None]]) -> Columns:
        """Return the columns of key sets whose states are alike, with one look at all."""
        ticks = self._ticks[:1] if (self._ticks == self._ticks[:1]).all() else self._ticks
        histories = [self._sets.histories[place] for place in sets]
        asked = [Asking(self._keys[place], ticks) for place in sets]
        packed = [own.of_each_query(each[place]) for own, place in zip(asked, sets, strict=True)]
        layouts = [history.layout for history in histories]
        known = read_states(
            layouts[0].unpack([*chain.from_iterable(packed)]),
            np.concatenate([own.ticks for own in asked]).astype(np.float64),
            _reach(layouts, [*map(len, packed)]),
        )
        made: Columns = {}
        for history, block in zip(histories, _of_rows(known, asked), strict=True):
            made.update(zip(history.columns, block, strict=True))
        return made


def _of_rows(known: NDArray[np.float64], asked: Sequence[Asking]) -> list[NDArray[np.float64]]:
    """Return what the rows of each key set are told, shape (columns, n); NaN without a key.

    Args:
        known: of each query, those of the key sets one after another, shape (Q, columns).
        asked: of each key set.
    """
    told = np.full((known.shape[1], len(known) + 1), np.nan)  # the last is that of -1
    told[:, :-1] = known.T
    places = np.concatenate([asking.places for asking in asked])
    sizes = [len(asking.places) for asking in asked]
    queries = [len(asking.ticks) for asking in asked]
    starts = np.array([0, *accumulate(queries[:-1])], np.int64)
    at = np.where(places < 0, len(known), places + starts.repeat(sizes))
    each = told.take(at, axis=1)
    ends = [*accumulate(sizes)]
    return [each[:, end - size : end] for end, size in zip(ends, sizes, strict=True)]


def _reach(layouts: Sequence[StateLayout], sizes: Sequence[int]) -> Reach:
    windows = np.array([layout.windows for layout in layouts])
    half_lives = np.array([layout.half_lives for layout in layouts])
    if len(layouts) > 1:
        windows, half_lives = windows.repeat(sizes, axis=0), half_lives.repeat(sizes, axis=0)
    return Reach(windows, half_lives, layouts[0].delay)
