"""Arrays that grow on disk and are read by memory map, so that a log need not fit in memory."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.errors import DataError


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

    def __len__(self) -> int:
        return self._rows

    def add(self, rows: NDArray[Any]) -> None:
        """Append rows; all calls agree in type and shape.

        Raises:
            DataError: the disk is full.
        """
        self.put(self._rows, rows)

    def put(self, place: int, rows: NDArray[Any]) -> None:
        """Write rows at a place, which may lie after the end.

        Raises:
            DataError: the disk is full.
        """
        given = np.ascontiguousarray(rows)
        try:
            _written(self._file.fileno(), given, place)
        except OSError as error:
            raise DataError(f"{self._folder}: cannot be written: {error}") from None
        self._rows = max(self._rows, place + len(rows))
        self._like = np.empty((0, *rows.shape[1:]), rows.dtype)  # a slice would keep all alive

    def read(self) -> NDArray[Any]:
        """Return all rows; changes to them are not written back."""
        shape = (self._rows, *self._like.shape[1:])
        if 0 in shape:
            return np.empty(shape, self._like.dtype)
        return np.memmap(self._file, self._like.dtype, "c", shape=shape)

    def copied(self, spans: Sequence[slice]) -> NDArray[Any]:
        """Return some ranges of rows, one after another, in memory of their own."""
        rows = sum(span.stop - span.start for span in spans)
        made = np.empty((rows, *self._like.shape[1:]), self._like.dtype)
        start = 0
        for span in spans:
            end = start + span.stop - span.start
            _filled(self._file.fileno(), made[start:end], span.start)
            start = end
        return made

    def close(self) -> None:
        """Close the file: arrays that were read hold it by themselves."""
        self._file.close()


def _written(file: int, rows: NDArray[Any], place: int) -> None:
    """Write all of some rows at a place of a file."""
    given, start = _bytes(rows), place * _row_bytes(rows)
    while given:
        done = os.pwrite(file, given, start)
        given, start = given[done:], start + done


def _filled(file: int, rows: NDArray[Any], place: int) -> None:
    """Read rows from a place of a file."""
    wanted, start = _bytes(rows), place * _row_bytes(rows)
    while wanted:
        done = os.preadv(file, [wanted], start)
        if not done:
            raise EOFError(f"{len(wanted)} bytes were never written")
        wanted, start = wanted[done:], start + done


def _bytes(rows: NDArray[Any]) -> memoryview:
    return rows.reshape(-1).view(np.uint8).data


def _row_bytes(rows: NDArray[Any]) -> int:
    return rows.dtype.itemsize * int(np.prod(rows.shape[1:]))
