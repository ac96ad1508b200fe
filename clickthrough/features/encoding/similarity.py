"""How alike two bags of ids are."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.encoding.bags import cleaned_weights
from clickthrough.schema import MISSING_INT

Floats = NDArray[np.float64]

_PAIRS = 2**15
"""Pairs of places compared at a time, whose arrays lie in the processor's cache."""


def cosine(
    left: NDArray[np.generic],
    right: NDArray[np.generic],
    left_weights: NDArray[np.generic] | None = None,
    right_weights: NDArray[np.generic] | None = None,
) -> Floats:
    """Return the cosine of two bags a row, shape (n,); NaN where either is empty.

    Args:
        left: ids, shape (n, places), padded with missing values; or (1, places), one bag that all
            rows share.
        right: ids, shape (n, other places), or (1, other places).
        left_weights: of the ids, all alike by default; a missing, infinite or negative one is 0.
        right_weights: of the other ids.

    >>> cosine(np.array([[1, 2]]), np.array([[2, 3]])).round(3).tolist()
    [0.5]
    """
    rows = max(len(left), len(right))
    at_once = max(1, _PAIRS // max(1, max(left.shape[1], right.shape[1]) ** 2))
    if rows <= at_once:
        return _cosine(_Bags.of(left, left_weights), _Bags.of(right, right_weights))
    made = np.empty(rows)
    for start in range(0, rows, at_once):
        part = slice(start, start + at_once)
        made[part] = _cosine(
            _Bags.of(_part(left, part), _part(left_weights, part)),
            _Bags.of(_part(right, part), _part(right_weights, part)),
        )
    return made


def _part(values: NDArray[np.generic] | None, rows: slice) -> Any:  # noqa: ANN401 - as it came
    """Return some rows, or the one that all share."""
    return values if values is None or len(values) == 1 else values[rows]


@dataclass(frozen=True)
class _Bags:
    """Bags of ids, a column a row: rows lie side by side, and a place is a run of memory.

    Attributes:
        ids: shape (places, n).
        weights: shape (places, n), the largest of a bag between a half and 1; 0 without an id.
    """

    ids: NDArray[np.generic]
    weights: Floats

    @classmethod
    def of(cls, ids: NDArray[np.generic], given: NDArray[np.generic] | None) -> Self:
        """Take the bags of rows, with their weights."""
        ids = np.ascontiguousarray(ids.T)
        known = ids != (b"" if ids.dtype.kind == "S" else MISSING_INT)
        if given is None:
            return cls(ids, known.astype(np.float64))  # powers of two are all the same here
        weights = np.ascontiguousarray(given.T, np.float64)  # a missing whole number is below 0
        held = np.where(known, cleaned_weights(weights), 0.0)
        if ids.shape != held.shape:  # rows share their ids, and not their weights
            ids = np.broadcast_to(ids, held.shape)
        # only their ratios count; squares of the smallest would not be exact, or be 0
        powers = np.frexp(held.max(axis=0, initial=0.0))[1]
        return cls(ids, np.ldexp(held, -powers))

    def squares(self) -> Floats:
        """Return the inner product of each bag with itself, each pair of places met once."""
        total = _in_order(self.weights * self.weights)
        first, second = _pairs(len(self.ids))
        twice = (self.ids[first] == self.ids[second]) & (self.weights[first] > 0)
        repeating = twice.any(axis=0).nonzero()[0]
        if len(repeating):
            total[repeating] = self[repeating]._squares_of_repeating()
        return total

    def _squares_of_repeating(self) -> Floats:
        """Return the inner products of bags in which ids may stand twice."""
        earlier = np.tri(len(self.ids), k=-1, dtype=bool).T[:, :, None]
        same = (self.ids[:, None] == self.ids) & earlier
        met = np.where(same, 2 * self.weights[:, None], 0.0)
        return _in_order(self.weights * _in_order(np.concatenate([self.weights[None], met])))

    def __getitem__(self, rows: NDArray[np.int64]) -> Self:
        """Return the bags of some rows."""
        return type(self)(self.ids.take(rows, axis=1), self.weights.take(rows, axis=1))


@lru_cache(maxsize=64)
def _pairs(places: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every place with every later one."""
    return np.triu_indices(places, 1)


def _cosine(left: _Bags, right: _Bags) -> Floats:
    dot = _dot(left, right)
    scale = np.sqrt(left.squares()) * np.sqrt(right.squares())
    alike: Floats = np.divide(dot, scale, out=np.full(len(dot), np.nan), where=scale > 0)
    return alike


def _dot(left: _Bags, right: _Bags) -> Floats:
    """Return the inner product a row; an id that stands twice has both its weights."""
    same = right.ids[:, None] == left.ids
    return _in_order(left.weights * _in_order(np.where(same, right.weights[:, None], 0.0)))


def _in_order(terms: Floats) -> Floats:
    """Sum over the first axis, one term after another, whatever the shape of the rest."""
    terms = np.ascontiguousarray(terms)
    if terms[:1].size == 1:  # numpy would add up a single run of memory in blocks
        last: Floats = np.add.accumulate(terms, axis=0)[-1]
        return last
    summed: Floats = np.add.reduce(terms, axis=0)
    return summed
