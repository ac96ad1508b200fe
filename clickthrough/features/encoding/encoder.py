"""The fitted encoder: columns in, ids and scaled numbers out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.columns import IdColumn
from clickthrough.features.encoding.bags import encode_bag
from clickthrough.features.encoding.calendar import day_of_week, hour_of_day
from clickthrough.features.encoding.hashing import hashed_ids
from clickthrough.features.encoding.kin import Kin
from clickthrough.features.encoding.numeric import NumericProgram
from clickthrough.features.encoding.scaler import Scaler
from clickthrough.features.encoding.vocabulary import FIRST_KNOWN, Vocabulary
from clickthrough.features.plan import Plan
from clickthrough.features.slots import Slot
from clickthrough.schema import Columns

Floats = NDArray[np.float64]

TIME_SIZES = {"hour": 24, "weekday": 7}


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
        vocabularies: field -> vocabulary, of all columns that look it up.
        scalers: numeric column -> scaler.
        prior: click rate of the training period, towards which rates are smoothed.
        kin: what makes users alike, where the plan asks for it.
    """

    def __init__(
        self,
        plan: Plan,
        vocabularies: Mapping[str, Vocabulary],
        scalers: Mapping[str, Scaler],
        prior: float,
        kin: Kin | None = None,
    ) -> None:
        self.plan = plan
        self.vocabularies = vocabularies
        self.scalers = scalers
        self.prior = prior
        self.kin = kin
        used = [scalers[column.name] for column in plan.numeric]
        self._fill = np.array([scaler.fill for scaler in used])
        self._low = np.array([scaler.low for scaler in used])
        self._high = np.array([scaler.high for scaler in used])
        self._mean = np.array([scaler.mean for scaler in used])
        self._scale = np.array([scaler.scale for scaler in used])
        self._indicators = np.flatnonzero([scaler.indicator for scaler in used])
        self._numeric = NumericProgram(plan, prior, kin)

    @property
    def id_sizes(self) -> dict[str, int]:
        """The number of ids of each id column."""
        return {column.name: self._size(column) for column in self.plan.ids}

    @property
    def bag_shapes(self) -> dict[str, tuple[int, int]]:
        """The number of ids and the length of each bag."""
        return {bag.name: (self.vocabularies[bag.table].size, bag.length) for bag in self.plan.bags}

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The inputs of a model: ids, then numbers, then bags and sequences."""
        sizes = self.id_sizes
        ids = [Slot(c.name, "id", c.origin, c.table, sizes[c.name]) for c in self.plan.ids]
        numeric = self.plan.numeric
        origins = [c.origin for c in (*numeric, *(numeric[i] for i in self._indicators))]
        named = zip(self.numeric_names, origins, strict=True)
        numbers = [Slot(name, "number", origin) for name, origin in named]
        several = [
            Slot(
                bag.name,
                "sequence" if bag.is_sequence else "bag",
                bag.origin,
                bag.table,
                self.vocabularies[bag.table].size,
                bag.length,
            )
            for bag in self.plan.bags
        ]
        return (*ids, *numbers, *several)

    @property
    def numeric_names(self) -> list[str]:
        """The names of the numeric inputs: the columns, then the indicators."""
        names = [column.name for column in self.plan.numeric]
        return names + [f"{names[i]}_missing" for i in self._indicators]

    def encode(
        self,
        columns: Columns,
        offsets: NDArray[np.int64],
        ids: NDArray[np.int32] | None = None,
    ) -> Encoded:
        """Encode impressions.

        Args:
            columns: the plan's fields, ``time`` and history columns, each of shape (n,), or (1,)
                where all impressions share a value.
            offsets: where each request starts, and the end, shape (requests + 1,).
            ids: of the id columns, where they were looked up before.
        """
        ids = self.ids(columns, int(offsets[-1])) if ids is None else ids
        numbers = self.scale(self._numeric.values(columns, offsets))
        return Encoded(ids, numbers, *self.bags(columns, len(ids)))

    def bags(self, columns: Columns, rows: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return ids and weights of all bags side by side."""
        width = sum(bag.length for bag in self.plan.bags)
        ids, weights = np.empty((rows, width), np.int32), np.empty((rows, width), np.float32)
        end = 0
        for bag in self.plan.bags:
            start, end = end, end + bag.length
            made = encode_bag(bag, self.vocabularies[bag.table], columns)
            ids[:, start:end], weights[:, start:end] = made
        return ids, weights

    def ids(self, columns: Columns, rows: int | None = None) -> NDArray[np.int32]:
        """Return the ids, shape (n, id columns)."""
        rows = len(columns["time"]) if rows is None else rows
        made = np.empty((rows, len(self.plan.ids)), np.int32)
        for place, column in enumerate(self.plan.ids):
            made[:, place] = self.ids_of(column, columns[column.field])
        return made

    def ids_of(self, column: IdColumn, values: NDArray[np.generic]) -> NDArray[np.int32]:
        """Return the ids of one column for values of its field, shape (n,)."""
        if column.source == "field":
            return self.vocabularies[column.table].encode(values)
        if column.source == "hashed":
            return hashed_ids(values, column.buckets)
        part = hour_of_day if column.source == "hour" else day_of_week
        return part(values.astype(np.int64, copy=False), self.plan.timezone) + np.int32(FIRST_KNOWN)

    def _size(self, column: IdColumn) -> int:
        if column.source == "field":
            return self.vocabularies[column.table].size
        if column.source == "hashed":
            return column.buckets + FIRST_KNOWN
        return TIME_SIZES[column.source] + FIRST_KNOWN

    def scale(self, values: Floats) -> NDArray[np.float32]:
        """Hold, fill, standardize and append indicators: (n, columns) -> (n, numeric inputs).

        What is not finite is missing.
        """
        missing = ~np.isfinite(values)
        held = np.minimum(values, self._high)  # np.clip would take as long as all of this
        np.maximum(held, self._low, out=held)
        np.copyto(held, self._fill, where=missing)
        held -= self._mean
        rows, columns = values.shape
        made = np.empty((rows, columns + len(self._indicators)), np.float32)
        np.divide(held, self._scale, out=made[:, :columns], casting="same_kind")
        made[:, columns:] = missing.take(self._indicators, axis=1)
        return made

    @property
    def constant_names(self) -> list[str]:
        """The numeric columns that are 0 for every impression: they did not vary in training."""
        return [c.name for c in self.plan.numeric if self.scalers[c.name].is_constant]
