"""The fitted encoder: columns in, ids and scaled numbers out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.columns import IdColumn, Measure
from clickthrough.features.encoding.bags import encode_bag
from clickthrough.features.encoding.calendar import day_of_week, hour_of_day
from clickthrough.features.encoding.hashing import hashed_ids
from clickthrough.features.encoding.relative import difference_from_request, rank_in_request
from clickthrough.features.encoding.similarity import cosine
from clickthrough.features.encoding.vocabulary import FIRST_KNOWN, Vocabulary
from clickthrough.features.plan import Plan
from clickthrough.schema import MISSING_INT, Columns

Floats = NDArray[np.float64]

TIME_SIZES = {"hour": 24, "weekday": 7}
POSITION = "__position"
"""A column that only training has: the place of each impression in its request, from 1."""
_SMALLEST_RATE = 1e-6
_HOUR = 3_600
_LARGEST, FURTHEST = 1e100, 1e6
"""A quantity is held at the one, a standard score at the other: neither may overflow later."""


@dataclass(frozen=True)
class Scaler:
    """How a numeric column is standardized; ``fill`` stands for a missing value.

    ``indicator`` adds an input that is 1 where the value is missing.
    """

    fill: float
    mean: float
    scale: float
    indicator: bool


@dataclass(frozen=True)
class Encoded:
    """Model input.

    Attributes:
        ids: int32, shape (n, id columns).
        numeric: float32, shape (n, numeric columns + indicators).
        bag_ids: int32, shape (n, lengths of all bags), the bags side by side.
        bag_weights: float32, the same shape; see :mod:`clickthrough.features.encoding.bags`.
    """

    ids: NDArray[np.int32]
    numeric: NDArray[np.float32]
    bag_ids: NDArray[np.int32]
    bag_weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: slice | NDArray[np.generic]) -> "Encoded":
        """Return some of the rows."""
        return Encoded(*(array[rows] for array in self.arrays().values()))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the inputs of a model by name, in the order of its arguments."""
        return {
            "ids": self.ids,
            "numeric": self.numeric,
            "bag_ids": self.bag_ids,
            "bag_weights": self.bag_weights,
        }

    @classmethod
    def joined(cls, parts: Sequence["Encoded"]) -> "Encoded":
        """Return the rows of several parts, one after another."""
        arrays = [part.arrays() for part in parts]
        return cls(*(np.concatenate([a[name] for a in arrays]) for name in arrays[0]))


class Encoder:
    """Turns fields and history columns into model input.

    Args:
        plan: the columns to make.
        vocabularies: id column or bag -> vocabulary.
        scalers: numeric column -> scaler.
        prior: click rate of the training period, towards which rates are smoothed.
    """

    def __init__(
        self,
        plan: Plan,
        vocabularies: Mapping[str, Vocabulary],
        scalers: Mapping[str, Scaler],
        prior: float,
    ) -> None:
        self.plan = plan
        self.vocabularies = vocabularies
        self.scalers = scalers
        self.prior = prior
        used = [scalers[column.name] for column in plan.numeric]
        self._fill = np.array([scaler.fill for scaler in used])
        self._mean = np.array([scaler.mean for scaler in used])
        self._scale = np.array([scaler.scale for scaler in used])
        self._indicators = np.flatnonzero([scaler.indicator for scaler in used])

    @property
    def id_sizes(self) -> dict[str, int]:
        """The number of ids of each id column."""
        return {column.name: self._size(column) for column in self.plan.ids}

    @property
    def bag_shapes(self) -> dict[str, tuple[int, int]]:
        """The number of ids and the length of each bag."""
        return {bag.name: (self.vocabularies[bag.name].size, bag.length) for bag in self.plan.bags}

    @property
    def numeric_names(self) -> list[str]:
        """The names of the numeric inputs: the columns, then the indicators."""
        names = [column.name for column in self.plan.numeric]
        return names + [f"{names[i]}_missing" for i in self._indicators]

    def encode(self, columns: Columns, offsets: NDArray[np.int64]) -> Encoded:
        """Encode impressions.

        Args:
            columns: the plan's fields, ``time`` and history columns, each of shape (n,).
            offsets: where each request starts, and the end, shape (requests + 1,).
        """
        numeric = numeric_values(self.plan, self.prior, columns, offsets)
        return Encoded(self.ids(columns), self.scale(numeric), *self.bags(columns))

    def bags(self, columns: Columns) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return ids and weights of all bags side by side."""
        none = np.empty((len(columns["time"]), 0))
        made = [encode_bag(bag, self.vocabularies[bag.name], columns) for bag in self.plan.bags]
        ids = [none.astype(np.int32), *(ids for ids, _ in made)]
        weights = [none.astype(np.float32), *(weights for _, weights in made)]
        return np.concatenate(ids, axis=1), np.concatenate(weights, axis=1)

    def ids(self, columns: Columns) -> NDArray[np.int32]:
        """Return the ids, shape (n, id columns)."""
        made = np.empty((len(columns["time"]), len(self.plan.ids)), np.int32)
        for place, column in enumerate(self.plan.ids):
            values = columns[column.field]
            if column.source == "field":
                made[:, place] = self.vocabularies[column.name].encode(values)
            elif column.source == "hashed":
                made[:, place] = hashed_ids(values, column.buckets)
            else:
                part = hour_of_day if column.source == "hour" else day_of_week
                time = values.astype(np.int64, copy=False)
                made[:, place] = part(time, self.plan.timezone) + FIRST_KNOWN
        return made

    def _size(self, column: IdColumn) -> int:
        if column.source == "field":
            return self.vocabularies[column.name].size
        if column.source == "hashed":
            return column.buckets + FIRST_KNOWN
        return TIME_SIZES[column.source] + FIRST_KNOWN

    def scale(self, values: Floats) -> NDArray[np.float32]:
        """Fill, standardize and append indicators: (n, columns) -> (n, numeric inputs)."""
        missing = np.isnan(values)
        scaled = np.where(missing, self._fill, values)
        scaled -= self._mean
        scaled /= self._scale
        np.clip(scaled, -FURTHEST, FURTHEST, out=scaled)
        return np.concatenate([scaled, missing[:, self._indicators]], axis=1, dtype=np.float32)


def numeric_values(
    plan: Plan, prior: float, columns: Columns, offsets: NDArray[np.int64]
) -> Floats:
    """Return the numeric columns before scaling, shape (n, columns); NaN where missing."""
    smoothing = plan.counters.smoothing
    measures = {m.name: measure(m, prior, smoothing, columns, offsets) for m in plan.measures}
    made = np.empty((int(offsets[-1]), len(plan.numeric)))
    for place, column in enumerate(plan.numeric):
        values = measures[column.measure]
        if column.relative == "rank":
            values = rank_in_request(values, offsets)
        elif column.relative == "difference":
            values = difference_from_request(values, offsets)
        made[:, place] = values
    return made


def measure(
    what: Measure, prior: float, smoothing: float, columns: Columns, offsets: NDArray[np.int64]
) -> Floats:
    """Return one quantity after its transform, shape (n,)."""
    if what.kind == "request_size":
        sizes = np.diff(offsets)
        values = np.repeat(sizes, sizes).astype(np.float64)
    elif what.kind == "position":
        unknown = np.full(int(offsets[-1]), what.at)
        values = columns.get(POSITION, unknown).astype(np.float64)
    elif what.kind == "rate":
        values = smoothed_rate(
            [_as_float(columns[name]) for name in what.inputs],
            what.smoothing or (smoothing,),
            prior,
        )
    elif what.kind == "match":
        clicked, size, own = (columns[name] for name in what.inputs)
        values = _matches(clicked[:, : what.length], size, own)
    elif what.kind == "cosine":
        values = cosine(*(columns[name][:, : what.length] for name in what.inputs))
    elif what.kind == "elapsed":
        moment = _as_float(columns[what.inputs[0]])
        values = (columns["time"].astype(np.float64) / 1e6 - moment) / _HOUR
    else:
        values = _as_float(columns[what.inputs[0]])
    return _transform(values, what.transform)


def smoothed_rate(counts: list[Floats], weights: Sequence[float], prior: float) -> Floats:
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
    rate: Floats = np.full(len(counts[0]), prior)
    for level in reversed(range(len(weights))):
        impressions, clicks = counts[2 * level : 2 * level + 2]
        if level > 0:
            impressions, clicks = np.nan_to_num(impressions), np.nan_to_num(clicks)
        rate = (clicks + weights[level] * rate) / (impressions + weights[level])
    return rate


def _matches(
    clicked: NDArray[np.generic], size: NDArray[np.generic], own: NDArray[np.generic]
) -> Floats:
    """Return how many of the last clicked values equal an impression's own."""
    equal = (clicked == own[:, None]).sum(axis=1)
    absent = b"" if own.dtype.kind == "S" else MISSING_INT
    missing = np.isnan(size.astype(np.float64)) | (own == absent)
    return np.where(missing, np.nan, equal)


def _as_float(values: NDArray[np.generic]) -> Floats:
    numbers = values.astype(np.float64)
    if values.dtype.kind == "i":
        numbers[values == MISSING_INT] = np.nan
    return np.clip(numbers, -_LARGEST, _LARGEST)


def _transform(values: Floats, transform: str) -> Floats:
    if transform == "log1p":
        return np.sign(values) * np.log1p(np.abs(values))
    if transform == "logit":
        rate = np.clip(values, _SMALLEST_RATE, 1 - _SMALLEST_RATE)
        return np.log(rate / (1 - rate))
    return values
