"""The counters of some keys as of each of their ticks, of entries in one piece of memory.

The law is in :mod:`clickthrough.features.history.oracle`. Entries are sorted by key and tick, and
summed along them; what an impression may see, or what lies in its window, is a difference of two
sums, whose places are found by search. Decayed sums go from tick to tick (:mod:`.decays`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.history.batch import PACK
from clickthrough.features.history.codes import MISSING, Ints
from clickthrough.features.history.decays import Decayed, decayed_sums, remains
from clickthrough.features.history.entries import firsts, in_order, summed
from clickthrough.features.history.state import StateLayout


def unpacked(packed: Ints) -> Decayed:
    """Return packed counts as numbers: impressions, and clicks as their imaginary part."""
    counts = np.empty(len(packed), np.complex128)
    counts.real, counts.imag = packed // PACK, packed % PACK
    return counts


def counters(
    key: Ints, tick: Ints, packed: Ints, known: Sequence[Decayed], layout: StateLayout
) -> list[NDArray[Any]]:
    """Return age, counts and decayed counts as of each entry.

    Args:
        key: codes, in any order, shape (E,).
        tick: shape (E,); the same key and tick may come several times.
        packed: what the key had there: an event where it is not 0.
        known: what weighs in the sum of each half-life; without them, what is packed.
        layout: windows, half-lives, delay, in ticks.

    Returns:
        Age (``MISSING`` where nothing is known), packed counts of all time and of each window, then
        those of each half-life, clicks as their imaginary part; of each entry.
    """
    order = in_order(key, tick)
    key, tick = key.take(order), tick.take(order)
    is_first = firsts(key, tick)
    starts = np.flatnonzero(is_first)
    keyed = Keyed(key.take(starts), tick.take(starts))
    total = summed(packed.take(order), starts)
    made: list[NDArray[Any]] = [_ages(keyed, total, layout.delay), *_totals(keyed, total, layout)]
    for place, half_life in enumerate(layout.half_lives):
        own = known[place].take(order) if known else unpacked(packed).take(order)
        made.append(_decayed(keyed, summed(own, starts), half_life, layout.delay))
    of_entry = np.empty(len(order), np.int64)
    of_entry[order] = np.cumsum(is_first) - 1
    return [values.take(of_entry) for values in made]


@dataclass(frozen=True)
class Keyed:
    """The ticks of keys, each once, in order.

    Attributes:
        key: shape (U,).
        tick: shape (U,).
    """

    key: Ints
    tick: Ints

    @cached_property
    def starts(self) -> Ints:
        """Where each key begins, shape (K,)."""
        return np.flatnonzero(firsts(self.key))

    @cached_property
    def number(self) -> Ints:
        """The number of each one's key, from 0."""
        return np.cumsum(firsts(self.key)) - 1

    @cached_property
    def start(self) -> Ints:
        """Where the key of each begins."""
        return self.starts.take(self.number)

    @cached_property
    def _packed(self) -> Ints:
        since: Ints = self.tick - self.tick.min(initial=0)
        return (self.number << int(since.max(initial=0)).bit_length()) + since

    def since(self, ticks: int) -> Ints:
        """Return where those of the same key begin that are no more than so many ticks older."""
        if ticks == 0:
            return np.arange(len(self.key))
        found: Ints = np.searchsorted(self._packed, self._packed - ticks)
        return np.maximum(found, self.start)


def _ages(keyed: Keyed, total: Ints, delay: int) -> Ints:
    """Return the ticks since the first event of each key."""
    count = len(total)
    if not count:
        return total
    events = np.where(total > 0, np.arange(count), count)
    firsts_of: Ints = np.minimum.reduceat(events, keyed.starts)
    first = firsts_of.take(keyed.number)
    since = keyed.tick - keyed.tick.take(first, mode="clip")
    return np.where((first < count) & (since > delay), since, MISSING)


def _totals(keyed: Keyed, total: Ints, layout: StateLayout) -> list[Ints]:
    """Return the counts of all time, then of each window."""
    before = np.zeros(len(total) + 1, np.int64)
    np.cumsum(total, out=before[1:])
    seen = before.take(keyed.since(layout.delay))
    ends = [keyed.start, *(keyed.since(layout.delay + window) for window in layout.windows)]
    return [seen - before.take(end) for end in ends]


def _decayed(keyed: Keyed, counts: Decayed, half_life: float, delay: int) -> Decayed:
    """Return what the events before each still weigh."""
    sums = decayed_sums(counts, keyed.tick, keyed.starts, half_life)
    last = keyed.since(delay) - 1
    is_known = last >= keyed.start
    last = np.where(is_known, last, np.arange(len(last)))
    left = sums.take(last) * remains(keyed.tick - keyed.tick.take(last), half_life)
    left[~is_known] = 0
    return left
