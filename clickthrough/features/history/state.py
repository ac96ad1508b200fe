"""The online state of a key: packed float64, updated and read for many keys at once.

A state is a header and any number of entries (counts are exact: float64 holds whole numbers to
2^53)::

    first tick | settled tick | impressions, clicks | decayed impressions, clicks (H times)
    tick, impressions, clicks | tick, impressions, clicks | ...

Events enter as entries at their own tick, so that a query can leave out those that its label
delay hides or its window has passed. An entry older than every window is *settled*: added to the
totals of the header, its decayed part relative to the settled tick. Decays only ever multiply by
2^-x with x >= 0, so nothing overflows, however long the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST, SETTLED, COUNTS, DECAYED = 0, 1, 2, 4
"""Where a header holds what."""
ENTRY, FLOAT = 3, 8
"""Numbers of an entry, and bytes of a number."""
_SPARE_TICKS = 2
"""Entries are kept this much longer: a query one tick behind the newest event is still exact."""


class UnsoundStateError(ValueError):
    """Bytes that cannot be the state of a key."""


@dataclass
class States:
    """The states of K keys, unpacked.

    Attributes:
        header: shape (K, width).
        rows: which key each entry belongs to, ascending, shape (E,).
        entries: tick, impressions, clicks, by key and tick, shape (E, 3).
    """

    header: Floats
    rows: Ints
    entries: Floats

    def __len__(self) -> int:
        return len(self.header)

    def take(self, places: Ints) -> "States":
        """Return the states at some places, which may repeat."""
        starts = np.searchsorted(self.rows, places)
        sizes = np.searchsorted(self.rows, places, side="right") - starts
        rows = np.repeat(np.arange(len(places)), sizes)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return States(self.header[places], rows, self.entries[np.repeat(starts, sizes) + within])


@dataclass(frozen=True)
class Reach:
    """How far back K keys are looked at, those of several key sets together.

    Attributes:
        windows: in ticks, shape (K, W), or (1, W) where all keys have the same.
        half_lives: in ticks, shape (K, H) or (1, H).
        delay: label delay in ticks.
    """

    windows: NDArray[np.number]
    half_lives: Floats
    delay: int

    def of(self, rows: Ints) -> "Reach":
        """Return the reach of some keys, which may repeat."""
        if len(self.windows) == 1:
            return self
        return Reach(self.windows[rows], self.half_lives[rows], self.delay)


@dataclass(frozen=True)
class StateLayout:
    """What the states of a key set hold, and the rules by which they change.

    Attributes:
        windows: lengths of sliding windows in ticks, shape (W,).
        half_lives: half-lives in ticks, shape (H,).
        delay: label delay in ticks.
    """

    windows: Ints
    half_lives: Floats
    delay: int

    @cached_property
    def width(self) -> int:
        """The length of a header."""
        return DECAYED + 2 * len(self.half_lives)

    @cached_property
    def header_bytes(self) -> int:
        """The bytes of a header: those of a state without entries."""
        return self.width * FLOAT

    def is_sound(self, state: bytes) -> bool:
        """Say whether a state is as long as a header and whole entries are."""
        entries, rest = divmod(len(state) - self.header_bytes, ENTRY * FLOAT)
        return entries >= 0 and not rest

    @cached_property
    def span(self) -> int:
        """The ticks for which an entry is kept."""
        return int(self.windows.max(initial=0)) + self.delay + _SPARE_TICKS

    def empty(self, keys: int) -> States:
        """Return states of keys never seen."""
        header = np.zeros((keys, self.width))
        header[:, FIRST] = np.inf
        header[:, SETTLED] = -np.inf
        return States(header, np.empty(0, np.int64), np.empty((0, ENTRY)))

    @cached_property
    def reaches(self) -> list[float]:
        """How old an entry may be to lie in each window."""
        return [float(window + self.delay) for window in self.windows]

    @cached_property
    def lives(self) -> list[float]:
        """The half-lives."""
        return [float(half_life) for half_life in self.half_lives]

    @cached_property
    def unknown(self) -> list[float]:
        """What is known of a key never seen."""
        return [np.nan, *[0.0] * (2 + 2 * len(self.windows) + 2 * len(self.half_lives))]

    @cached_property
    def blank(self) -> bytes:
        """The state of a key never seen."""
        return self.empty(1).header.tobytes()

    def unpack(self, packed: Sequence[bytes | None]) -> States:
        """Read states as a store holds them; None is a key never seen.

        Raises:
            UnsoundStateError: one of them is no state.
        """
        present = [self.blank if state is None else state for state in packed]
        lengths = np.fromiter(map(len, present), np.int64, len(present))
        counts, rest = np.divmod(lengths - self.header_bytes, ENTRY * FLOAT)
        if rest.any():
            raise UnsoundStateError
        try:
            rows = np.arange(len(present)).repeat(counts)
        except ValueError:  # of a state that is shorter than its header
            raise UnsoundStateError from None
        sizes = lengths // FLOAT
        flat = np.frombuffer(b"".join(present))
        in_header = (sizes.cumsum() - sizes)[:, None] + np.arange(self.width)
        is_entry = np.ones(len(flat), bool)
        is_entry[in_header] = False
        return States(
            flat[in_header],
            rows,
            flat[is_entry].reshape(-1, ENTRY),
        )

    def pack(self, states: States) -> list[bytes]:
        """Return each state as a store holds it."""
        sizes, numbers = self.joined(states)
        packed, ends = numbers.tobytes(), sizes.cumsum().tolist()
        return [packed[start:end] for start, end in pairwise([0, *ends])]

    def joined(self, states: States) -> tuple[Ints, Floats]:
        """Return the bytes of each state as a store holds it, and all of them in one array."""
        sizes = self.width + ENTRY * np.bincount(states.rows, minlength=len(states))
        numbers = np.empty(sizes.sum())
        in_header = (sizes.cumsum() - sizes)[:, None] + np.arange(self.width)
        is_entry = np.ones(len(numbers), bool)
        is_entry[in_header] = False
        numbers[in_header] = states.header
        numbers[is_entry] = states.entries.ravel()
        return sizes * FLOAT, numbers

    def add(self, states: States, rows: Ints, ticks: Floats, counts: Floats) -> States:
        """Count events.

        Args:
            states: K states.
            rows: which state each event belongs to, shape (E,).
            ticks: whole numbers, shape (E,).
            counts: impressions and clicks, shape (E, 2).

        Returns:
            The K states after the events, in whatever order these came.
        """
        header = states.header.copy()
        np.minimum.at(header[:, FIRST], rows, ticks)
        fresh = np.concatenate([ticks[:, None], counts], axis=1)
        rows = np.concatenate([states.rows, rows])
        rows, entries = _by_tick(rows, np.concatenate([states.entries, fresh]))
        newest = np.full(len(states), -np.inf)
        np.maximum.at(newest, rows, entries[:, 0])
        old = entries[:, 0] <= newest[rows] - self.span
        self._settle(header, rows[old], entries[old])
        return States(header, rows[~old], entries[~old])

    def read(self, states: States, ticks: Floats) -> Floats:
        """Return what is known of each key as of a tick; see :func:`read_states`."""
        reach = Reach(self.windows[None], self.half_lives[None], self.delay)
        return read_states(states, ticks, reach)

    def _settle(self, header: Floats, rows: Ints, entries: Floats) -> None:
        """Move entries into the totals of the header."""
        if len(rows) == 0:
            return
        keys = len(header)
        before = header[:, SETTLED].copy()
        np.maximum.at(header[:, SETTLED], rows, entries[:, 0])
        after = header[:, SETTLED]
        header[:, COUNTS:DECAYED] += _sum_by(rows, entries[:, 1:], keys)
        moved = np.subtract(after, before, out=np.zeros(keys), where=after > before)
        decayed = self._paired(header[:, DECAYED:])
        decayed *= self._weight(moved)[:, :, None]
        weights = self._weight(after[rows] - entries[:, 0])
        header[:, DECAYED:] += _sum_by(rows, _weighed(entries, weights), keys)

    def _weight(self, ticks: Floats) -> Floats:
        """Return the weights of each half-life, shape (n, H)."""
        return _weight(ticks, self.half_lives)

    def _paired(self, decayed: Floats) -> Floats:
        """View (K, 2 H) as (K, H, 2): impressions and clicks of each half-life."""
        return decayed.reshape(len(decayed), len(self.half_lives), 2, copy=False)


def read_states(states: States, ticks: Floats, reach: Reach) -> Floats:
    """Return what is known of each key as of a tick.

    Args:
        states: K states.
        ticks: the tick of the query, shape (K,).
        reach: windows and half-lives of each key.

    Returns:
        Shape (K, 3 + 2 W + 2 H): age in ticks since first seen (NaN while never seen); then
        impressions and clicks: all-time, of each window, of each half-life.
    """
    header, windows = states.header, 2 * reach.windows.shape[1]
    horizon = ticks - reach.delay
    seen = states.entries[:, 0] < horizon[states.rows]
    rows, entries = states.rows[seen], states.entries[seen]
    known = np.empty((len(header), 1 + 2 + windows + header.shape[1] - DECAYED))
    first = header[:, FIRST]
    known[:, 0] = np.where(first < horizon, ticks - first, np.nan)
    known[:, 1:] = _sum_by(rows, _counted(rows, entries, ticks, reach), len(header))
    known[:, 1:3] += header[:, COUNTS:DECAYED]
    since = np.maximum(ticks - header[:, SETTLED], 0.0)
    settled = _weight(since, reach.half_lives).repeat(2, axis=1)
    known[:, 3 + windows :] += settled * header[:, DECAYED:]
    return known


def _counted(rows: Ints, entries: Floats, ticks: Floats, reach: Reach) -> Floats:
    """Return what each entry counts for: all-time, in each window, under each half-life."""
    reach, ages = reach.of(rows), ticks[rows] - entries[:, 0]
    inside = ages[:, None] <= reach.windows + reach.delay
    shares = [np.ones((len(rows), 1)), inside, _weight(ages, reach.half_lives)]
    return _weighed(entries, np.concatenate(shares, axis=1))


def _weight(ticks: Floats, half_lives: Floats) -> Floats:
    """Return 2^(-ticks / half-life), shape (n, H)."""
    return np.exp2(-ticks[:, None] / half_lives)


def _weighed(entries: Floats, weights: Floats) -> Floats:
    """Return impressions and clicks under each weight, shape (E, 2 H)."""
    weighed = weights[:, :, None] * entries[:, None, 1:]
    return weighed.reshape(len(entries), 2 * weights.shape[1])


def _by_tick(rows: Ints, entries: Floats) -> tuple[Ints, Floats]:
    """Sort entries by key and tick, and unite those of the same."""
    order = np.lexsort((entries[:, 0], rows))
    rows, entries = rows[order], entries[order]
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]) | (entries[1:, 0] != entries[:-1, 0])
    starts = np.flatnonzero(new)
    if len(starts) == len(rows):
        return rows, entries
    united = entries[starts]
    united[:, 1:] = np.add.reduceat(entries[:, 1:], starts, axis=0)
    return rows[starts], united


def _sum_by(rows: Ints, values: Floats, keys: int) -> Floats:
    """Sum values by row, in their order: (E, C) -> (keys, C)."""
    sums = np.zeros((keys, values.shape[1]))
    if len(rows):
        for column, own in enumerate(np.ascontiguousarray(values.T)):
            sums[:, column] = np.bincount(rows, own, keys)
    return sums
