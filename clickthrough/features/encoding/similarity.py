"""How alike two bags of ids are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
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
    at_once = _at_once([left, right])
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


Sides = tuple[
    NDArray[np.generic],
    NDArray[np.generic],
    NDArray[np.generic] | None,
    NDArray[np.generic] | None,
]
"""Ids and other ids, weights and other weights: what :func:`cosine` is given."""


def cosines(several: Sequence[Sides]) -> list[Floats]:
    """Return several cosines of the same rows: few rows' at once, which is sooner."""
    rows = [max(len(sides[0]), len(sides[1])) for sides in several]
    if sum(rows) > _at_once([ids for sides in several for ids in sides[:2]]):
        return [cosine(*sides) for sides in several]
    sides: list[tuple[NDArray[np.generic], NDArray[np.generic] | None]] = []
    for left, right, *weights in several:
        numbers = (left, right) if left.dtype.kind == "i" else _numbered(left, right)
        sides += zip(numbers, weights, strict=True)
    bags, starts, sizes = _joined(sides)
    places = [
        np.arange(start, start + size) if size == asked else np.full(asked, start)
        for start, size, asked in zip(starts, sizes, np.repeat(rows, 2), strict=True)
    ]
    left_of, right_of = np.concatenate(places[::2]), np.concatenate(places[1::2])
    lengths = np.sqrt(bags.squares())
    made = _divided(_dot(bags[left_of], bags[right_of]), lengths[left_of] * lengths[right_of])
    return np.split(made, np.cumsum(rows[:-1]))


def _at_once(ids: Sequence[NDArray[np.generic]]) -> int:
    """Return how many rows are compared at a time."""
    longest: int = max(side.shape[1] for side in ids)
    return max(1, _PAIRS // max(1, longest**2))


def _numbered(
    left: NDArray[np.generic], right: NDArray[np.generic]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return numbers that are the same where texts are."""
    texts = np.concatenate([left.ravel(), right.ravel()])
    made, known = np.full(len(texts), MISSING_INT), texts != b""
    made[known] = np.unique(texts[known], return_inverse=True)[1]
    return made[: left.size].reshape(left.shape), made[left.size :].reshape(right.shape)


def _joined(
    sides: Sequence[tuple[NDArray[np.generic], NDArray[np.generic] | None]],
) -> tuple["_Bags", list[int], list[int]]:
    """Return the bags of several sides one after another, where each side starts, its size."""
    sizes = [len(ids) if given is None else max(len(ids), len(given)) for ids, given in sides]
    shape = sum(sizes), max(ids.shape[1] for ids, _ in sides)
    joined, weights = np.full(shape, MISSING_INT), np.ones(shape)
    ends = [*accumulate(sizes)]
    starts = [end - size for end, size in zip(ends, sizes, strict=True)]
    for (ids, given), start, end in zip(sides, starts, ends, strict=True):
        joined[start:end, : ids.shape[1]] = ids
        if given is not None:
            weights[start:end, : given.shape[1]] = given
    return _Bags.of(joined, weights), starts, sizes


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
        known = ids != (b"" if ids.dtype.kind == "S" else MISSING_INT)
        used = known.any(axis=0).nonzero()[0]  # what no bag reaches adds nothing to any sum
        length = int(used[-1]) + 1 if len(used) else 1
        ids, known = ids[:, :length].T.copy(), known[:, :length].T
        if given is None:
            return cls(ids, known.astype(np.float64))  # powers of two are all the same here
        weights = np.ascontiguousarray(
            given[:, :length].T, np.float64
        )  # a missing whole number is below 0
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
    scale = np.sqrt(left.squares()) * np.sqrt(right.squares())
    return _divided(_dot(left, right), scale)


def _divided(dot: Floats, scale: Floats) -> Floats:
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
