"""How alike two bags of ids are."""

import numpy as np
from numpy.typing import NDArray

from clickthrough.schema import MISSING_INT

Floats = NDArray[np.float64]

_ROWS = 8_192
"""Rows compared at a time: every id of one bag meets every id of the other."""


def cosine(
    left: NDArray[np.generic],
    right: NDArray[np.generic],
    left_weights: NDArray[np.generic] | None = None,
    right_weights: NDArray[np.generic] | None = None,
) -> Floats:
    """Return the cosine of two bags a row, shape (n,); NaN where either is empty.

    Args:
        left: ids, shape (n, places), padded with missing values.
        right: ids, shape (n, other places).
        left_weights: of the ids, all alike by default; a missing, infinite or negative one is 0.
        right_weights: of the other ids.

    >>> cosine(np.array([[1, 2]]), np.array([[2, 3]])).round(3).tolist()
    [0.5]
    """
    made = np.empty(len(left))
    for start in range(0, len(left), _ROWS):
        rows = slice(start, start + _ROWS)
        a = _weights(left[rows], None if left_weights is None else left_weights[rows])
        b = _weights(right[rows], None if right_weights is None else right_weights[rows])
        made[rows] = _cosine(left[rows], right[rows], a, b)
    return made


def _weights(ids: NDArray[np.generic], given: NDArray[np.generic] | None) -> Floats:
    absent = ids == (b"" if ids.dtype.kind == "S" else MISSING_INT)
    weights = np.ones(ids.shape) if given is None else given.astype(np.float64)
    if given is not None and given.dtype.kind == "i":
        weights[given == MISSING_INT] = 0.0
    held = np.where(absent, 0.0, np.clip(np.nan_to_num(weights, posinf=0.0), 0.0, 1e100))
    # only their ratios count; squares of the smallest would not be exact, or be 0
    powers = np.frexp(held.max(axis=1, initial=0.0))[1]
    scaled: Floats = np.ldexp(held, -powers[:, None])
    return scaled


def _cosine(left: NDArray[np.generic], right: NDArray[np.generic], a: Floats, b: Floats) -> Floats:
    dot = _dot(left, right, a, b)
    scale = np.sqrt(_square(left, a)) * np.sqrt(_square(right, b))
    alike: Floats = np.divide(dot, scale, out=np.full(len(left), np.nan), where=scale > 0)
    return alike


def _dot(left: NDArray[np.generic], right: NDArray[np.generic], a: Floats, b: Floats) -> Floats:
    """Return the inner product a row; an id that stands twice has both its weights."""
    dot = np.zeros(len(left))
    # a pair of places at a time, each contiguous: the processor's widest operations
    left, right, a, b = (np.ascontiguousarray(array.T) for array in (left, right, a, b))
    for ids, weights in zip(left, a, strict=True):
        shared = np.zeros(len(dot))
        for others, theirs in zip(right, b, strict=True):
            shared += np.where(ids == others, theirs, 0.0)
        dot += weights * shared
    return dot


def _square(ids: NDArray[np.generic], weights: Floats) -> Floats:
    """Return the inner product of a bag with itself, each pair of places met once."""
    ids, weights = np.ascontiguousarray(ids.T), np.ascontiguousarray(weights.T)
    total = np.zeros(ids.shape[1])
    for place, (own, weight) in enumerate(zip(ids, weights, strict=True)):
        shared = weight.copy()
        for others, theirs in zip(ids[:place], weights[:place], strict=True):
            shared += np.where(own == others, 2 * theirs, 0.0)
        total += weight * shared
    return total
