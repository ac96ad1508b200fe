"""Encoded rows as flat columns, one a number, so that any engine can hold and write them.

Columns of small numbers that repeat are what Parquet makes smallest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.training.rows.encoding import TABLES
from clickthrough.training.rows.table import Table, rated

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 10_000
"""Rows that are handed on together."""
_Kind = type[np.generic]
_SQL: dict[_Kind, str] = {
    np.bool_: "BOOLEAN",
    np.int8: "TINYINT",
    np.int32: "INT",
    np.float32: "FLOAT",
}


@dataclass(frozen=True)
class FlatForm:
    """The columns of encoded rows.

    Each has the number of its table in ``TABLES``, whether it is the first of its request, its
    label and weight (null where all weigh alike), and the numbers of its arrays: ``ids_0`` and so
    on.

    Args:
        arrays: their types, and how many numbers a row has of each.
        rates: the names of rates.
    """

    arrays: Mapping[str, tuple[_Kind, int]]
    rates: tuple[str, ...]

    @classmethod
    def of(cls, encoder: Encoder) -> "FlatForm":
        """Return the form of what an encoder makes."""
        rates = tuple(key.name for key in rated(encoder.plan))
        in_bags = sum(bag.length for bag in encoder.plan.bags)
        arrays: dict[str, tuple[_Kind, int]] = {
            "ids": (np.int32, len(encoder.plan.ids)),
            "numeric": (np.float32, len(encoder.numeric_names)),
            "bag_ids": (np.int32, in_bags),
            "bag_weights": (np.float32, in_bags),
            "rates": (np.float32, len(rates)),
        }
        return cls(arrays, rates)

    @property
    def columns(self) -> dict[str, _Kind]:
        """The names and types of all columns."""
        kinds: dict[str, _Kind] = {
            "table": np.int8,
            "first": np.bool_,
            "label": np.int8,
            "weight": np.float32,
        }
        for array, (kind, _) in self.arrays.items():
            kinds |= dict.fromkeys(self._names(array), kind)
        return kinds

    @property
    def sql(self) -> str:
        """The same as SQL says it."""
        return ", ".join(f"`{name}` {_SQL[kind]}" for name, kind in self.columns.items())

    def batches(self, name: str, table: Table) -> "Iterator[pa.RecordBatch]":
        """Yield the rows of a table as batches of Arrow."""
        import pyarrow as pa

        rows = len(table)
        first = np.zeros(rows, bool)
        first[table.offsets[:-1]] = True
        weight = pa.nulls(rows, pa.float32()) if table.weights is None else table.weights
        values: list[Any] = [
            np.full(rows, TABLES.index(name), np.int8),
            first,
            table.labels,
            weight,
        ]
        rates = np.stack([table.rates[name] for name in self.rates], axis=1)
        for array in (table.inputs.arrays() | {"rates": rates}).values():
            values += list(array.T)
        batch = pa.RecordBatch.from_arrays([*map(pa.array, values)], [*self.columns])
        for start in range(0, rows, _BATCH):
            yield batch.slice(start, _BATCH)

    def tables(self, frame: pl.DataFrame) -> Iterator[tuple[str, Table]]:
        """Yield the tables that flat rows are of, by name; rows keep their order."""
        for number in frame["table"].unique(maintain_order=True):
            yield TABLES[number], self._table(frame.filter(pl.col("table") == number))

    def empty(self) -> Table:
        """Return a table without rows."""
        return self._table(
            pl.DataFrame({name: np.empty(0, kind) for name, kind in self.columns.items()})
        )

    def _table(self, frame: pl.DataFrame) -> Table:
        arrays = {array: self._array(frame, array) for array in self.arrays}
        rates = arrays.pop("rates")
        starts, weight = np.flatnonzero(frame["first"].to_numpy()), frame["weight"].drop_nulls()
        return Table(
            inputs=Encoded(**arrays),
            labels=frame["label"].to_numpy(),
            offsets=np.append(starts, frame.height).astype(np.int64),
            rates={name: rates[:, place] for place, name in enumerate(self.rates)},
            weights=weight.to_numpy() if len(weight) else None,
        )

    def _array(self, frame: pl.DataFrame, array: str) -> NDArray[Any]:
        kind, width = self.arrays[array]
        if not width:
            return np.empty((frame.height, 0), kind)
        return np.ascontiguousarray(frame.select(self._names(array)).to_numpy())

    def _names(self, array: str) -> list[str]:
        return [f"{array}_{place}" for place in range(self.arrays[array][1])]
