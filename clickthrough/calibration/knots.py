"""The knots of an interpolated isotonic regression, from labelled scores."""

import numpy as np
from numpy.typing import NDArray

from clickthrough.calibration.base import LEAST_SLOPE, Floats, Labels

_LEAST_IN_BIN, _MOST_BINS = 10, 500
"""Clicks, and rows without, that a bin has in the mean."""
_NEAREST = 1e-6
"""Knots closer than this, in units of the largest score, would make a slope of rounding errors."""
_LEAST_RATE = 1e-13


def fit_knots(scores: Floats, labels: Labels, prior: Floats) -> tuple[Floats, Floats]:
    """Return scores and logits of the knots, both strictly increasing.

    Rows are binned by score, and each bin is given what the prior expects of one click, or of one
    row without a click where those are rarer: so no rate is 0 or 1 and the ends do not follow a
    handful of rows.

    Args:
        scores: shape (n,).
        labels: 0 or 1, shape (n,).
        prior: the probabilities of a simpler calibrator, shape (n,).
    """
    order = np.argsort(scores, kind="stable")
    clicked = (labels[order] == 1).astype(np.float64)
    starts = _starts(scores[order], clicked)
    rows = np.diff(np.append(starts, len(order))).astype(np.float64)
    center, clicks, expected = (
        np.add.reduceat(values, starts) for values in (scores[order], clicked, prior[order])
    )
    believed = expected / rows
    weight = 1 / np.minimum(believed, 1 - believed)
    rates = (clicks + weight * believed) / (rows + weight)
    blocks = pooled(rates, rows + weight)
    mass = np.add.reduceat(rows + weight, blocks)
    rates = np.add.reduceat(rates * (rows + weight), blocks) / mass
    rates = np.clip(rates, _LEAST_RATE, 1 - _LEAST_RATE)
    center = np.add.reduceat(center, blocks) / np.add.reduceat(rows, blocks)
    return _rising(center, np.log(rates) - np.log1p(-rates))


def pooled(values: Floats, weights: Floats) -> NDArray[np.int64]:
    """Pool adjacent violators: return where the blocks of an isotonic regression start.

    >>> pooled(np.array([1.0, 3.0, 2.0, 4.0]), np.ones(4)).tolist()
    [0, 1, 3]
    """
    starts: list[int] = []
    sums: list[tuple[float, float]] = []
    for place, (value, weight) in enumerate(zip(values.tolist(), weights.tolist(), strict=True)):
        start, total, mass = place, value * weight, weight
        while sums and sums[-1][0] * mass >= total * sums[-1][1]:
            before, its_mass = sums.pop()
            start, total, mass = starts.pop(), total + before, mass + its_mass
        starts.append(start)
        sums.append((total, mass))
    return np.array(starts, np.int64)


def _starts(ordered: Floats, clicked: Floats) -> NDArray[np.int64]:
    """Return where bins of about equal size start; equal scores share a bin."""
    rarer = min(clicked.sum(), len(clicked) - clicked.sum())
    bins = int(np.clip(rarer // _LEAST_IN_BIN, 1, _MOST_BINS))
    even = np.linspace(0, len(ordered), bins, endpoint=False).astype(np.int64)
    return np.unique(np.searchsorted(ordered, ordered[even]))


def is_apart(scores: Floats) -> NDArray[np.bool_]:
    """Say of rising scores which lie far enough above the one before."""
    nearest = _NEAREST * max(1.0, float(np.abs(scores).max()))
    return np.diff(scores, prepend=-np.inf) > nearest


def _rising(scores: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Leave out knots that lie too close, and let the values rise by the least slope at least."""
    kept = is_apart(scores)
    scores, values = scores[kept], values[kept]
    least = LEAST_SLOPE * scores
    return scores, np.maximum.accumulate(values - least) + least
