"""A candidate among the others of its request: rank, and difference from the mean."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Offsets = NDArray[np.int64]

_DECIMALS = 9
"""Values are rounded before ranking: a rank would amplify a difference in the last bit."""


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
    request = request_of(offsets)
    known = np.isfinite(rounded)
    counts = np.add.reduceat(known, offsets[:-1], dtype=np.int64)[request]
    order = _order(rounded, request, offsets)
    ordered, owner = rounded[order], request[order]
    new = np.ones(len(order), bool)
    new[1:] = (ordered[1:] != ordered[:-1]) | (owner[1:] != owner[:-1])
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(order)))
    mean_place = np.repeat(starts + (sizes - 1) / 2, sizes) - offsets[owner]
    ranks = np.empty(len(order))
    ranks[order] = mean_place
    share = np.where(counts > 1, ranks / np.maximum(counts - 1, 1), 0.5)
    return np.where(known, share, np.nan)


def _order(values: Floats, request: NDArray[np.int64], offsets: Offsets) -> NDArray[np.int64]:
    """Return the rows by request and value; NaN comes last within its request."""
    size = int(offsets[1] - offsets[0])
    if (np.diff(offsets) != size).any():
        return np.lexsort((values, request))
    # requests of one size: a short sort each, and ties may come in any order
    within = values.reshape(-1, size).argsort(axis=1)
    return (within + offsets[:-1, None]).ravel()


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
