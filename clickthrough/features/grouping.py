"""Rows of a body brought into requests, and repeats of a candidate united, as training does both.

The rows of a request lie side by side. Rows of a request that name the same item are one
impression: the first of them holds, and the others get its answer.
"""

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.values import Value

T = TypeVar("T")


class Grouping(NamedTuple):
    """Which rows are scored, and whose answer each of the caller's rows gets.

    Attributes:
        order: the caller's position of each row that is scored, requests side by side.
        offsets: where each request starts, and the end, shape (requests + 1,).
        row_of: for each of the caller's rows the row that stands for it.
        spans: where each request starts in ``members``, shape (requests,).
        members: the caller's positions of all rows, requests side by side.
    """

    order: Sequence[int]
    offsets: NDArray[np.int64]
    row_of: Sequence[int]
    spans: NDArray[np.int64]
    members: Sequence[int]

    @property
    def is_as_given(self) -> bool:
        """Whether the caller's rows are scored as they came."""
        return self.order is self.row_of

    def taken(self, values: dict[str, Sequence[Value]]) -> dict[str, Sequence[Value]]:
        """Return the fields of the rows that are scored; a single value is shared by all."""
        if self.is_as_given:
            return values
        rows, take = len(self.row_of), itemgetter(*self.order)
        if len(self.order) == 1:  # of a single place it makes no tuple
            return {n: own if len(own) != rows else self.of(own) for n, own in values.items()}
        return {n: own if len(own) != rows else take(own) for n, own in values.items()}

    def of(self, each: Sequence[T]) -> Sequence[T]:
        """Return what the rows that are scored have of what each of the caller's rows has."""
        return each if self.is_as_given else [each[place] for place in self.order]

    def moments(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the moment of each row: that of its request, the earliest of any of its rows."""
        if len(times) != len(self.row_of) or len(self.spans) == len(times):
            return times
        ordered = times if isinstance(self.members, range) else times[np.array(self.members)]
        starts = np.minimum.reduceat(ordered, self.spans)
        return starts.repeat(np.diff(self.offsets))


def apart(rows: int) -> Grouping:
    """Return the grouping of rows each of which is a request."""
    every = range(rows)
    offsets = np.arange(rows + 1)
    return Grouping(every, offsets, every, offsets[:-1], every)


def together(rows: int, items: Sequence[Value]) -> Grouping:
    """Return the grouping of rows all of which are one request, at least one.

    Args:
        rows: how many.
        items: of each row, or one that all share; None tells nothing.
    """
    if _may_repeat(items, rows):
        return _grouping([[*range(rows)]], items)
    every, offsets = range(rows), np.array([0, rows], np.int64)
    return Grouping(every, offsets, every, offsets[:-1], every)


def grouped(ids: Sequence[str | None], sizes: Sequence[int], items: Sequence[Value]) -> Grouping:
    """Group the rows of several callers by their request, in order of first appearance.

    Args:
        ids: of each row the request that it names; a row that names none is one of its own.
        sizes: the rows of each caller, whose requests are apart whatever their ids.
        items: of each row, or one that all share; None tells nothing.
    """
    if len(sizes) == 1 and ids[0] is not None and ids.count(ids[0]) == len(ids):
        return together(len(ids), items)
    owners = chain.from_iterable([owner] * size for owner, size in enumerate(sizes))
    groups: dict[object, list[int]] = {}
    for place, owned in enumerate(zip(owners, ids, strict=True)):
        groups.setdefault(place if owned[1] is None else owned, []).append(place)
    return _grouping(list(groups.values()), items)


def _grouping(groups: Sequence[Sequence[int]], items: Sequence[Value]) -> Grouping:
    members = [*chain.from_iterable(groups)]
    offsets = np.cumsum([0, *map(len, groups)], dtype=np.int64)
    every = range(len(members))
    if _may_repeat(items, len(members)):
        order, row_of, ends = _united(groups, _full(items, len(members)))
        return Grouping(order, np.array([0, *ends], np.int64), row_of, offsets[:-1], members)
    if members == [*every]:
        return Grouping(every, offsets, every, offsets[:-1], every)
    return Grouping(members, offsets, np.argsort(members).tolist(), offsets[:-1], members)


def _may_repeat(items: Sequence[Value], rows: int) -> bool:
    """Say whether an item may come twice: nearly always none does, which one look tells."""
    if len(items) == rows:
        return len(set(items)) < rows
    return items[0] is not None


def _full(items: Sequence[Value], rows: int) -> Sequence[Value]:
    return items if len(items) == rows else [*items] * rows


def _united(
    groups: Sequence[Sequence[int]], items: Sequence[Value]
) -> tuple[list[int], list[int], list[int]]:
    """Return the first row of each item of a request, the row of each place, and where groups end.

    A row without an item is no other's repeat.
    """
    order: list[int] = []
    ends: list[int] = []
    row_of = [0] * len(items)
    for places in groups:
        rows: dict[Value, int] = {}
        for place in places:
            item = items[place]
            row = rows.get(item) if item is not None else None
            if row is None:
                row = len(order)
                order.append(place)
                rows[item] = row
            row_of[place] = row
        ends.append(len(order))
    return order, row_of, ends
