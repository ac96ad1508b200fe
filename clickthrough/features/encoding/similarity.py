"""How alike two bags of ids are."""

import numpy as np
from numpy.typing import NDArray

from clickthrough.schema import MISSING_INT

Floats = NDArray[np.float64]

_ROWS = 32_768
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
        left_weights: of the ids, all alike by default; a missing or negative one is 0.
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
    return np.where(absent, 0.0, np.clip(np.nan_to_num(weights), 0.0, 1e100))


def _cosine(left: NDArray[np.generic], right: NDArray[np.generic], a: Floats, b: Floats) -> Floats:
    dot = _dot(left, right, a, b)
    scale = np.sqrt(_dot(left, left, a, a)) * np.sqrt(_dot(right, right, b, b))
    alike: Floats = np.divide(dot, scale, out=np.full(len(left), np.nan), where=scale > 0)
    return alike


def _dot(left: NDArray[np.generic], right: NDArray[np.generic], a: Floats, b: Floats) -> Floats:
    """Return the inner product a row; an id that stands twice has both its weights."""
    dot = np.zeros(len(left))
    for place in range(left.shape[1]):  # by place: a block of (rows, places, places) is slow
        same = left[:, place, None] == right
        dot += a[:, place] * np.where(same, b, 0.0).sum(axis=1)
    return dot
