"""Entries of many chunks, divided by key: written chunk by chunk, read partition by partition."""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.history.codes import Ints
from clickthrough.mapped_array import MappedArray


class Spilled:
    """Columns of numbers that are read in another order than they come.

    Args:
        folder: where there is room.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._columns: list[MappedArray] = []
        self._results: list[MappedArray] = []
        self._starts: list[Ints] = []
        self._size = 0

    def add(self, columns: Sequence[NDArray[Any]], sizes: Ints) -> None:
        """Append a chunk, whose partitions lie one after another and have these sizes."""
        self._starts.append(self._size + np.concatenate([[0], np.cumsum(sizes)]))
        self._size = int(self._starts[-1][-1])
        _append(self._columns, columns, self._folder)

    def partition(self, number: int) -> list[NDArray[Any]]:
        """Return the columns of a partition, those of its chunks one after another."""
        spans = [*self._spans(number)]
        return [column.copied(spans) for column in self._columns]

    def put(self, number: int, results: Sequence[NDArray[Any]], chunks: int) -> None:
        """Take in what came of the columns of a partition, row for row.

        Args:
            number: of the partition.
            results: of all its rows.
            chunks: how many, from the first on, are asked for results.
        """
        if not self._results:
            self._results = [MappedArray(self._folder) for _ in results]
        start = 0
        for span in islice(self._spans(number), chunks):
            end = start + span.stop - span.start
            for array, rows in zip(self._results, results, strict=True):
                array.put(span.start, rows[start:end])
            start = end

    def results(self, chunk: int) -> list[NDArray[Any]]:
        """Return what came of the columns of a chunk."""
        span = slice(int(self._starts[chunk][0]), int(self._starts[chunk][-1]))
        return [array.copied([span]) for array in self._results]

    def _spans(self, number: int) -> Iterator[slice]:
        for starts in self._starts:
            yield slice(int(starts[number]), int(starts[number + 1]))


class SpilledChunks:
    """Columns of numbers that are read as they come.

    Args:
        folder: where there is room.
    """

    def __init__(self, folder: Path) -> None:
        self._array, self._ends = MappedArray(folder), [0]

    def add(self, rows: NDArray[Any]) -> None:
        """Append a chunk."""
        self._array.add(rows)
        self._ends.append(len(self._array))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Yield the chunks."""
        for start, end in pairwise(self._ends):
            yield self._array.copied([slice(start, end)])


def _append(arrays: list[MappedArray], columns: Sequence[NDArray[Any]], folder: Path) -> None:
    if not arrays:
        arrays += [MappedArray(folder) for _ in columns]
    for array, rows in zip(arrays, columns, strict=True):
        array.add(rows)
