"""Quantities of impressions before scaling: measures, and their standing in the request.

Measures of a kind and transform lie side by side, so that a transform is one operation however
many measures there are.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.features import Relative
from clickthrough.features.columns import Measure
from clickthrough.features.encoding.kin import Kin
from clickthrough.features.encoding.matches import matches
from clickthrough.features.encoding.relative import difference_from_request, rank_in_request
from clickthrough.features.encoding.similarity import cosines
from clickthrough.features.plan import Plan
from clickthrough.schema import MISSING_INT, Columns

Floats = NDArray[np.float64]
Standing = Callable[[Floats, NDArray[np.int64]], Floats]
T = TypeVar("T")

POSITION = "__position"
"""A column that only training has: the place of each impression in its request, from 1."""
_PLAIN = ("field", "impressions", "clicks", "age")
_READ = (*_PLAIN, "rate")
"""Measures that are made of columns alone."""
_COMPARED = ("match", "cosine")
"""Measures of an impression's own values beside others; those of a kind are made together."""
_SMALLEST_RATE = 1e-6
_HOUR = 3_600
_LARGEST = 1e100
"""A quantity is held at this, so that nothing overflows later."""

_STANDINGS: dict[Relative | None, Standing] = {
    "rank": rank_in_request,
    "difference": difference_from_request,
}


class NumericProgram:
    """Makes the numeric columns of a plan.

    Args:
        plan: the columns to make.
        prior: click rate of the training period, towards which rates are smoothed.
        kin: what makes users alike, where a measure asks for it.
    """

    def __init__(self, plan: Plan, prior: float, kin: Kin | None = None) -> None:
        self._prior = prior
        self._kin = kin
        smoothing = plan.counters.smoothing
        whole = [_with_smoothing(what, smoothing) for what in plan.measures]
        self._measures = sorted(whole, key=_order)
        rows = {what.name: row for row, what in enumerate(self._measures)}
        spans = _spans([_order(what)[0] for what in self._measures])
        own = [(depth, span, self._measures[span]) for depth, span in spans]
        self._rates = [(span, _weights(some)) for depth, span, some in own if depth > 0]
        read = [what for what in self._measures if what.kind in _READ]
        self._inputs = list(dict.fromkeys(name for what in read for name in what.inputs))
        at = {name: row for row, name in enumerate(self._inputs)}
        self._counts = [
            np.array([at[what.inputs[level]] for level in range(2 * depth) for what in some])
            for depth, _, some in own
            if depth > 0
        ]
        plain = [what for what in self._measures if what.kind in _PLAIN]
        self._plain = np.array([at[what.inputs[0]] for what in plain], np.int64)
        others = [(rows[w.name], w) for w in self._measures if w.kind not in _READ]
        self._others = [(row, what) for row, what in others if what.kind not in _COMPARED]
        self._compared = [
            [(row, what) for row, what in others if what.kind == kind]
            for kind in _COMPARED
            if any(what.kind == kind for _, what in others)
        ]
        self._read = len(self._plain) + len(others)
        self._transforms = _spans([what.transform for what in self._measures])
        forms: dict[Relative | None, list[tuple[int, int]]] = {}
        for place, column in enumerate(plan.numeric):
            forms.setdefault(column.relative, []).append((place, rows[column.measure]))
        self._forms = [(_STANDINGS.get(form), *np.array(pairs).T) for form, pairs in forms.items()]
        self._columns = len(plan.numeric)

    def values(self, columns: Columns, offsets: NDArray[np.int64]) -> Floats:
        """Return the numeric columns before scaling, shape (n, columns); NaN where missing.

        Args:
            columns: the plan's fields, ``time`` and history columns, each of shape (n,), or (1,)
                where all impressions share a value.
            offsets: where each request starts, and the end, shape (requests + 1,).
        """
        rows = int(offsets[-1])
        measured = self._measured(columns, offsets, rows)
        made = np.empty((self._columns, rows))
        for standing, places, chosen in self._forms:
            values = measured[chosen]
            made[places] = values if standing is None else _within(standing, values, offsets)
        return made.T

    def _measured(self, columns: Columns, offsets: NDArray[np.int64], rows: int) -> Floats:
        """Return all measures after their transform, shape (measures, n)."""
        made = np.empty((len(self._measures), rows))
        inputs = np.empty((len(self._inputs), rows))
        _fill(inputs, [_as_float(columns[name]) for name in self._inputs])
        made[: len(self._plain)] = inputs[self._plain]
        for row, what in self._others:
            made[row] = _quantity(what, columns, offsets, self._kin)
        for group in self._compared:
            found = _compared([what for _, what in group], columns)
            for (row, _), values in zip(group, found, strict=True):
                made[row] = values
        _hold(made[: self._read])
        for (span, weights), places in zip(self._rates, self._counts, strict=True):
            counts = inputs[places].reshape(2 * len(weights), -1, rows)
            made[span] = smoothed_rate(counts, weights, self._prior)
        for transform, span in self._transforms:
            _transform(made[span], transform)
        return made


def numeric_values(
    plan: Plan,
    prior: float,
    columns: Columns,
    offsets: NDArray[np.int64],
    kin: Kin | None = None,
) -> Floats:
    """Return the numeric columns before scaling, shape (n, columns); NaN where missing."""
    return NumericProgram(plan, prior, kin).values(columns, offsets)


def measure(
    what: Measure,
    prior: float,
    smoothing: float,
    columns: Columns,
    offsets: NDArray[np.int64],
    kin: Kin | None = None,
) -> Floats:
    """Return one quantity after its transform, shape (n,)."""
    what = _with_smoothing(what, smoothing)
    if what.kind == "rate":
        counts = [columns[name].astype(np.float64) for name in what.inputs]
        values = smoothed_rate(counts, what.smoothing, prior)
    else:
        values = np.array(_quantity(what, columns, offsets, kin), np.float64)
        _hold(values)
    _transform(values, what.transform)
    return values


def smoothed_rate(
    counts: Sequence[Floats] | Floats, weights: Sequence[float] | Floats, prior: float
) -> Floats:
    """Return a click rate, smoothed towards wider ones, the widest towards the prior.

    Args:
        counts: impressions and clicks of the key itself, then of each wider key; a wider key that
            is missing says nothing, a missing one of its own gives NaN.
        weights: of what each is smoothed towards, in impressions.
        prior: the mean click rate.

    >>> own, wider = [np.array([0.0]), np.array([0.0])], [np.array([10.0]), np.array([8.0])]
    >>> smoothed_rate([*own, *wider], (5.0, 10.0), 0.2).tolist()
    [0.5]
    """
    rate: Floats = np.full_like(counts[0], prior)
    for level in reversed(range(len(weights))):
        impressions, clicks = counts[2 * level : 2 * level + 2]
        if level > 0:
            impressions, clicks = np.nan_to_num(impressions), np.nan_to_num(clicks)
        rate = (clicks + weights[level] * rate) / (impressions + weights[level])
    return rate


def _quantity(
    what: Measure, columns: Columns, offsets: NDArray[np.int64], kin: Kin | None
) -> NDArray[np.generic]:
    """Return one quantity that is no rate before its transform, shape (n,) or (1,)."""
    if what.kind in _PLAIN:
        return _as_float(columns[what.inputs[0]])
    match what.kind:
        case "request_size":
            sizes = np.diff(offsets)
            return np.repeat(sizes, sizes)
        case "position":
            return columns.get(POSITION, np.full(int(offsets[-1]), what.at))
        case "match" | "cosine":
            return _compared([what], columns)[0]
        case "kinship":
            clicked, size, own = (columns[name] for name in what.inputs)
            assert kin is not None  # noqa: S101 - it is fitted, and loaded, for this measure
            return kin.alike(clicked[:, : what.length], np.minimum(size, what.length), own)
        case _:
            moment = _as_float(columns[what.inputs[0]])
            hours: Floats = (columns["time"].astype(np.float64) / 1e6 - moment) / _HOUR
            return hours


def _compared(some: Sequence[Measure], columns: Columns) -> list[Floats]:
    """Return matches, or cosines, each of shape (n,) or (1,)."""
    given = [[columns[name] for name in what.inputs] for what in some]
    if some[0].kind == "match":
        pairs = zip(some, given, strict=True)
        return matches([(clicked[:, : w.length], size, own) for w, (clicked, size, own) in pairs])
    sides: list[Any] = [
        [own[:, : what.length] for own in each] for what, each in zip(some, given, strict=True)
    ]
    return cosines([(*each, None, None)[:4] for each in sides])


def _order(what: Measure) -> tuple[int, str]:
    """Return what puts plain measures first, then the others, then rates by their depth."""
    if what.kind == "rate":
        return len(what.smoothing), what.transform
    return (-1 if what.kind in _PLAIN else 0), what.transform


def _weights(rates: Sequence[Measure]) -> Floats:
    """Return the weights of rates of one depth, shape (depth, rates, 1)."""
    return np.array([what.smoothing for what in rates]).T[:, :, None]


def _fill(made: Floats, values: Sequence[NDArray[np.generic]]) -> None:
    """Fill the rows of (k, n) with k arrays of shape (n,), or (1,) for a value that all share."""
    rows = made.shape[1]
    if made.size:
        full = [own if len(own) == rows else own.repeat(rows) for own in values]
        np.concatenate(full, out=made.reshape(-1), casting="unsafe")


def _with_smoothing(what: Measure, smoothing: float) -> Measure:
    bare = what.kind == "rate" and not what.smoothing
    return replace(what, smoothing=(smoothing,)) if bare else what


def _as_float(values: NDArray[np.generic]) -> Floats:
    if values.dtype == np.float64:
        return values  # type: ignore[return-value]
    if values.dtype.kind == "f":
        return values.astype(np.float64)
    numbers = values.astype(np.float64)
    numbers[values == MISSING_INT] = np.nan
    return numbers


def _hold(values: Floats) -> None:
    """Hold values where nothing overflows, in place; an infinite one is missing."""
    np.copyto(values, np.nan, where=np.isinf(values))
    np.minimum(values, _LARGEST, out=values)
    np.maximum(values, -_LARGEST, out=values)


def _transform(values: Floats, transform: str) -> None:
    """Transform values in place."""
    if transform == "log1p":
        values[...] = np.sign(values) * np.log1p(np.abs(values))
    elif transform == "logit":
        rate = np.maximum(np.minimum(values, 1 - _SMALLEST_RATE), _SMALLEST_RATE)
        values[...] = np.log(rate / (1 - rate))


def _within(standing: Standing, values: Floats, offsets: NDArray[np.int64]) -> Floats:
    """Apply a standing within requests to each row of (columns, n), all at once."""
    columns, rows = values.shape
    if rows == 1:
        return standing(values[:, 0], np.arange(columns + 1))[:, None]
    starts = (offsets[:-1] + np.arange(columns)[:, None] * rows).ravel()
    return standing(values.ravel(), np.append(starts, columns * rows)).reshape(columns, rows)


def _spans(kinds: Sequence[T]) -> list[tuple[T, slice]]:
    """Return where runs of the same kind lie."""
    made, end = [], 0
    for kind, group in groupby(kinds):
        start, end = end, end + len(list(group))
        made.append((kind, slice(start, end)))
    return made
