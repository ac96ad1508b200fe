"""A table of any size in order: a slice at a time, so that memory does not grow with the table."""

from collections.abc import Iterator
from itertools import pairwise

import polars as pl

MOST_ROWS = 500_000
"""About how many rows are held at a time."""
_SAMPLE = 200_000


def in_slices(rows: pl.LazyFrame, column: str, most: int = MOST_ROWS) -> Iterator[pl.DataFrame]:
    """Yield a table in slices of ascending values of a column, each unsorted in itself.

    Rows with equal values share a slice, so one value in most rows makes one large slice.

    Args:
        rows: a scan; it is scanned once a slice, less the row groups that lie outside of it.
        column: whole numbers, without nulls.
        most: about how many rows a slice has.
    """
    for start, end in pairwise([None, *bounds(rows, column, most), None]):
        inside = [] if start is None else [pl.col(column) >= start]
        inside += [] if end is None else [pl.col(column) < end]
        chosen = rows.filter(inside) if inside else rows
        yield chosen.collect(engine="streaming")


def height(rows: pl.LazyFrame) -> int:
    """Count the rows of a scan."""
    return int(rows.select(pl.len()).collect(engine="streaming").item())


def bounds(rows: pl.LazyFrame, column: str, most: int) -> list[int]:
    """Return the first value of each slice but the first, from a sample."""
    count = height(rows)
    if count <= most:
        return []
    every = max(1, count // _SAMPLE)
    sample = rows.select(pl.col(column).gather_every(every)).collect(engine="streaming")
    ordered, step = sample[column].sort(), max(1, most // every)
    chosen = ordered.gather_every(step, offset=step).unique().sort()
    return [value for value in chosen.to_list() if value > ordered[0]]
