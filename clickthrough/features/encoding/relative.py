"""A candidate among the others of its request: rank, and difference from the mean."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Offsets = NDArray[np.int64]

_DECIMALS = 9
"""Values are rounded before ranking: a rank would amplify a difference in the last bit."""
_FEW, _MANY = 12, 1_000
"""Of so many requests of so few, to compare all pairs is faster than to sort."""


def rank_in_request(values: Floats, offsets: Offsets) -> Floats:
    """Return each value's rank among its request's, as a share: 0 lowest, 1 highest.

    Ties share the mean of their ranks; a request of one has rank 0.5; missing stays missing
    and is not counted.

    >>> rank_in_request(np.array([3.0, 1.0, 3.0]), np.array([0, 3])).tolist()
    [0.75, 0.0, 0.75]
    """
    if len(offsets) == len(values) + 1 and (offsets[1:] > offsets[:-1]).all():
        return np.where(np.isfinite(values), 0.5, np.nan)
    rounded = np.round(values, _DECIMALS)
    sizes = np.diff(offsets)
    size = int(sizes[0])
    if (sizes == size).all():
        return _ranks(rounded.reshape(-1, size)).ravel()
    made = np.empty(len(values))
    for size in np.flatnonzero(np.bincount(sizes)).tolist():
        rows = offsets[:-1][sizes == size][:, None] + np.arange(size)
        made[rows] = _ranks(rounded[rows])
    return made


def _ranks(values: Floats) -> Floats:
    """Return the ranks within requests of one size, shape (requests, size), as shares."""
    known = np.isfinite(values)
    counts = known.sum(axis=1, keepdims=True)
    compares = values.shape[1] <= _FEW and len(values) >= _MANY
    places = _by_comparing(values) if compares else _by_sorting(values)
    share = np.where(counts > 1, places / np.maximum(counts - 1, 1), 0.5)
    return np.where(known, share, np.nan)


def _by_comparing(values: Floats) -> Floats:
    """Return the place of each value, from 0, by comparing it with each of its request."""
    columns = np.ascontiguousarray(values.T)  # an operation then runs over all requests at once
    twice = np.zeros(columns.shape, np.uint8)
    for other in columns:
        twice += other < columns
        twice += other <= columns
    places: Floats = np.subtract(twice.T, 1.0, dtype=np.float64)
    places /= 2
    return places


def _by_sorting(values: Floats) -> Floats:
    """Return the place of each value, from 0; NaN comes last."""
    requests, size = values.shape
    first = (np.arange(requests) * size)[:, None]
    order = (values.argsort(axis=1) + first).ravel()
    ordered = values.ravel()[order].reshape(requests, size)
    new = np.ones((requests, size), bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    starts = np.flatnonzero(new)
    ties = np.diff(np.append(starts, len(order)))
    places = np.empty(len(order))
    places[order] = np.repeat(starts + (ties - 1) / 2, ties)
    places -= first.repeat(size)
    return places.reshape(requests, size)


def difference_from_request(values: Floats, offsets: Offsets) -> Floats:
    """Return each value less the mean of its request's known values.

    >>> difference_from_request(np.array([3.0, 1.0]), np.array([0, 2])).tolist()
    [1.0, -1.0]
    """
    request = request_of(offsets)
    known = np.isfinite(values)
    sums = np.add.reduceat(np.where(known, values, 0.0), offsets[:-1])
    counts = np.add.reduceat(known, offsets[:-1], dtype=np.int64)
    return values - (sums / np.maximum(counts, 1))[request]


def request_of(offsets: Offsets) -> NDArray[np.int64]:
    """Return the number of each row's request, shape (n,)."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
