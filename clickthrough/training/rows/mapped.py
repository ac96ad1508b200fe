"""Encoded tables that grow on disk."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.encoding.encoder import Encoded
from clickthrough.mapped_array import MappedArray
from clickthrough.training.rows.table import Table


class TableWriter:
    """Puts tables together, one after another.

    Args:
        folder: where there is room.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._arrays: dict[str, MappedArray] = {}

    def add(self, table: Table) -> None:
        """Append the rows of a table of whole requests.

        Raises:
            DataError: the disk is full.
        """
        rest: dict[str, NDArray[Any]] = {"labels": table.labels, "sizes": np.diff(table.offsets)}
        if table.weights is not None:
            rest["weights"] = table.weights
        rates = {f"rate {name}": rate for name, rate in table.rates.items()}
        for name, rows in (table.inputs.arrays() | rest | rates).items():
            self._arrays.setdefault(name, MappedArray(self._folder)).add(rows)

    def table(self) -> Table:
        """Return all rows, once."""
        found = {name: array.read() for name, array in self._arrays.items()}
        for array in self._arrays.values():
            array.close()
        offsets = np.concatenate([[0], np.cumsum(found.pop("sizes"))]).astype(np.int64)
        labels = found.pop("labels")
        rates = {n.removeprefix("rate "): found.pop(n) for n in list(found) if n.startswith("rate")}
        weights = found.pop("weights", None)
        return Table(Encoded(**found), labels, offsets, rates, weights)


class TableWriters:
    """Puts several tables together, by name.

    Args:
        folder: where there is room.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, TableWriter] = {}

    def add(self, name: str, table: Table) -> None:
        """Append rows to a table; see :meth:`TableWriter.add`."""
        self._writers.setdefault(name, TableWriter(self._folder)).add(table)

    def tables(self) -> dict[str, Table]:
        """Return each table, once."""
        return {name: writer.table() for name, writer in self._writers.items()}
