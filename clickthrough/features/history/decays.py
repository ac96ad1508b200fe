"""Sums that decay along the ticks of many keys at once.

Each follows from the one before: s_i = s_(i-1) 2^(-(t_i - t_(i-1)) / h) + x_i. All keys take their
n-th step together; the steps of long keys are divided into pieces, which go side by side, and then
carry on from one another. Weights only ever shrink, so nothing overflows, however long the log.
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Decayed = NDArray[np.complex128]
"""Impressions, and clicks as the imaginary part: one product decays both."""

_PIECE = 64
"""Steps of a piece: there are as many turns as a piece has steps and the longest key pieces."""


def remains(ticks: Ints, half_life: float) -> NDArray[np.float64]:
    """Return what is left of 1 after so many ticks."""
    left: NDArray[np.float64] = np.exp2(ticks / -half_life)
    return left


def decayed_sums(counts: Decayed, tick: Ints, starts: Ints, half_life: float) -> Decayed:
    """Return the decayed sum of each key up to each of its ticks, its own counts included.

    Args:
        counts: shape (U,).
        tick: ascending within a key.
        starts: where each key begins, shape (K,).
        half_life: in ticks.
    """
    sums = counts.copy()
    if not len(sums):
        return sums
    sizes = np.diff(starts, append=len(sums))
    pieces = -(-sizes // _PIECE)
    of_key = np.repeat(np.arange(len(starts)), pieces)
    place = np.arange(len(of_key)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    begin = starts.take(of_key) + place * _PIECE
    end = np.minimum(begin + _PIECE, (starts + sizes).take(of_key))
    _step(sums, tick, begin, end - begin, half_life)
    if int(pieces.max()) > 1:
        _carry(sums, tick, begin, end, place, half_life)
    return sums


def _step(sums: Decayed, tick: Ints, begin: Ints, sizes: Ints, half_life: float) -> None:
    """Add up each piece for itself."""
    order = np.argsort(-sizes, kind="stable")
    begin, longest = begin.take(order), int(sizes.max())
    active = len(sizes) - np.cumsum(np.bincount(sizes, minlength=longest + 1))
    for step in range(1, longest):
        own = begin[: active[step]] + step
        last = own - 1
        left = remains(tick.take(own) - tick.take(last), half_life)
        sums[own] += sums.take(last) * left


def _carry(
    sums: Decayed, tick: Ints, begin: Ints, end: Ints, place: Ints, half_life: float
) -> None:
    """Let each piece go on from the one before it."""
    order = np.argsort(place, kind="stable")
    turns = np.split(order, np.cumsum(np.bincount(place))[:-1])
    for pieces in turns[1:]:
        first, size = begin.take(pieces), (end - begin).take(pieces)
        own = np.repeat(first - np.cumsum(size) + size, size) + np.arange(int(size.sum()))
        last = np.repeat(first - 1, size)
        left = remains(tick.take(own) - tick.take(last), half_life)
        sums[own] += sums.take(last) * left
