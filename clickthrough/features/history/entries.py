"""What a chunk of a log says of each key and tick, once: the entries of batch history.

Many impressions share their key and tick, so a chunk's entries are fewer than its rows; histories
are worked out of entries, and each row is told which entry is its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.history.codes import MISSING, Ints

_SCATTER = np.uint64(0x9E3779B97F4A7C15)
"""An odd number near 2^64 over the golden ratio: products with it differ in their first bits."""
_WORD, _SIGNED = 64, 63


@dataclass(frozen=True)
class Entries:
    """The keys and ticks of a chunk, each once, those of a partition side by side.

    Attributes:
        key: codes, shape (E,).
        tick: shape (E,).
        sums: of what is counted, each of shape (E,).
        own: the entry of each row, ``MISSING`` where it has no key, int32, shape (n,).
        sizes: how many entries each partition has, shape (partitions,).
    """

    key: Ints
    tick: Ints
    sums: Sequence[NDArray[Any]]
    own: NDArray[np.int32]
    sizes: Ints


def entries_of(key: Ints, tick: Ints, counted: Sequence[NDArray[Any]], partitions: int) -> Entries:
    """Sum what is counted by key and tick.

    Args:
        key: of each row, ``MISSING`` where it has none, shape (n,).
        tick: of each row.
        counted: what is to be summed.
        partitions: how many there are: a power of two.
    """
    own = np.full(len(key), MISSING, np.int32)
    kept = np.flatnonzero(key >= 0)
    if len(kept) < len(key):
        key, tick = key.take(kept), tick.take(kept)
        counted = [values.take(kept) for values in counted]
    order = in_order(key, tick)
    key, tick = key.take(order), tick.take(order)
    is_first = firsts(key, tick)
    starts = np.flatnonzero(is_first)
    by_part, sizes = parted(key.take(starts), partitions)
    place = np.empty(len(starts), np.int32)
    place[by_part] = np.arange(len(starts), dtype=np.int32)
    own[kept.take(order)] = place.take(np.cumsum(is_first) - 1)
    chosen = starts.take(by_part)
    sums = [summed(values.take(order), starts).take(by_part) for values in counted]
    return Entries(key.take(chosen), tick.take(chosen), sums, own, sizes)


def parted(key: Ints, partitions: int) -> tuple[Ints, Ints]:
    """Return the order of keys by partition, and how many each partition has.

    A key's partition depends on the key alone.
    """
    if partitions == 1:
        return np.arange(len(key)), np.array([len(key)])
    shift = np.uint64(_WORD - (partitions - 1).bit_length())
    own = ((key.view(np.uint64) * _SCATTER) >> shift).astype(np.uint16)
    return np.argsort(own, kind="stable"), np.bincount(own, minlength=partitions)


def in_order(key: Ints, tick: Ints) -> Ints:
    """Return the order by key, then tick; of equal ones, any."""
    if len(key) == 0:
        return np.empty(0, np.int64)
    least = tick.min()
    bits = int(tick.max() - least).bit_length()
    if int(key.max()).bit_length() + bits > _SIGNED:
        return np.lexsort((tick, key))
    return np.argsort((key << bits) | (tick - least))


def firsts(*columns: Ints) -> NDArray[np.bool_]:
    """Say which rows differ from the one before."""
    differs = np.zeros(len(columns[0]), bool)
    differs[:1] = True
    for column in columns:
        differs[1:] |= column[1:] != column[:-1]
    return differs


def summed(values: NDArray[Any], starts: Ints) -> NDArray[Any]:
    """Return the sums of runs that begin at some places."""
    made: NDArray[Any] = np.add.reduceat(values, starts) if len(starts) else values[:0]
    return made
