"""Arrays that grow on disk and are read by memory map, so that a log need not fit in memory."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.errors import DataError
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.training.rows.table import Table


class MappedArray:
    """An array of unknown length: rows are added, then all are read.

    Its file has no name, so that nothing is left of it when the process ends, however it ends.

    Args:
        folder: where there is room.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - rows come
        self._rows, self._like = 0, np.empty(0)

    def add(self, rows: NDArray[Any]) -> None:
        """Append rows; all calls agree in type and shape.

        Raises:
            DataError: the disk is full.
        """
        try:
            self._file.write(np.ascontiguousarray(rows).data)
            self._file.flush()
        except OSError as error:
            raise DataError(f"{self._folder}: cannot be written: {error}") from None
        self._rows, self._like = self._rows + len(rows), rows[:0]

    def read(self) -> NDArray[Any]:
        """Return all rows; changes to them are not written back."""
        shape = (self._rows, *self._like.shape[1:])
        if 0 in shape:
            return np.empty(shape, self._like.dtype)
        return np.memmap(self._file, self._like.dtype, "c", shape=shape)

    def close(self) -> None:
        """Close the file: arrays that were read hold it by themselves."""
        self._file.close()


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
