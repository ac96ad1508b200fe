"""Tables of Parquet files, read by ranges of rows: only the files that hold them are opened."""

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import polars as pl

from clickthrough.parquet import parquet_files, scan_files

CHUNK = 1_000_000
"""Rows that are worked on together."""


class ParquetRows:
    """The rows of Parquet files, one after another.

    Args:
        path: a file, or a directory of them in the order of their names.
    """

    def __init__(self, path: Path) -> None:
        self._files = parquet_files(path)

    def scan(self) -> pl.LazyFrame:
        """Return a scan of all rows."""
        return scan_files(self._files)

    def __len__(self) -> int:
        return self._ends[-1]

    def spans(self) -> Iterator[slice]:
        """Divide the rows into ranges of ``CHUNK``."""
        for start in range(0, len(self), CHUNK):
            yield slice(start, min(start + CHUNK, len(self)))

    def read(self, span: slice, columns: list[str]) -> pl.DataFrame:
        """Return some columns of a range of rows."""
        first, last = bisect_right(self._ends, span.start), bisect_right(self._ends, span.stop - 1)
        before = self._ends[first - 1] if first else 0
        rows = scan_files(self._files[first : last + 1]).select(columns)
        return rows.slice(span.start - before, span.stop - span.start).collect(engine="streaming")

    @cached_property
    def _ends(self) -> list[int]:
        heights = (scan_files([file]).select(pl.len()).collect().item() for file in self._files)
        return [*accumulate(heights)]
