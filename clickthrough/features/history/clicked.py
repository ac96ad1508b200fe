"""The clicks of keys, and the last of them as of some ticks, in one piece of memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.history.codes import Ints
from clickthrough.features.history.entries import firsts, parted


@dataclass(frozen=True)
class Clicks:
    """Clicks, those of a partition side by side.

    Attributes:
        columns: the key, the time and the code of what was clicked, each of shape (C,).
        sizes: how many each partition has, shape (partitions,).
    """

    columns: Sequence[Ints]
    sizes: Ints


def clicks_of(
    key: Ints, time: Ints, value: Ints, counts: NDArray[np.bool_], partitions: int
) -> Clicks:
    """Return the clicks among rows: those that count, of a known key and value."""
    rows = np.flatnonzero(counts & (key >= 0) & (value >= 0))
    order, sizes = parted(key.take(rows), partitions)
    rows = rows.take(order)
    return Clicks([key.take(rows), time.take(rows), value.take(rows)], sizes)


def click_order(key: Ints, time: Ints, rank: Ints) -> Ints:
    """Return the order of clicks: by key, then time, then the rank of what was clicked."""
    return np.lexsort((rank, time, key))


def last_clicks(
    key: Ints, tick: Ints, clicked: Ints, ticks: Ints, delay: int, length: int
) -> tuple[Ints, Ints]:
    """Return which clicks may be seen.

    Args:
        key: of whom clicks are asked, shape (E,).
        tick: as of when.
        clicked: the key of each click, in order, shape (C,).
        ticks: the tick of each click, ascending within a key.
        delay: in ticks.
        length: how many are seen at most.

    Returns:
        Where the last of them ends among the clicks, and how many there are, each of shape (E,).
    """
    if not len(clicked):
        return np.zeros(len(key), np.int64), np.zeros(len(key), np.int64)
    starts = np.flatnonzero(firsts(clicked))
    known = clicked.take(starts)
    place = np.searchsorted(known, key)
    is_known = known.take(place, mode="clip") == key
    least, most = ticks.min(), ticks.max()
    bits = int(most - least + 1).bit_length()
    number = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(clicked)))
    until = np.clip(tick - delay, least, most + 1) - least
    end = np.searchsorted((number << bits) + (ticks - least), (place << bits) + until)
    size = np.minimum(end - starts.take(place, mode="clip"), length)
    return end, np.where(is_known, size, 0)
