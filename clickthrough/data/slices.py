"""A table of any size in order: a slice at a time, so that memory does not grow with the table."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import polars as pl

from clickthrough import dealt

MOST_ROWS = 500_000
"""About how many rows are held at a time."""
_SAMPLE, _THIN = 200_000, 256


def in_slices(
    rows: pl.LazyFrame, column: str, scratch: Path, most: int = MOST_ROWS
) -> Iterator[pl.DataFrame]:
    """Yield a table in slices of ascending values of a column, each unsorted in itself.

    Rows with equal values share a slice, so one value in most rows makes one large slice. A table
    in no order is first dealt out to files of a range each, so that none is read for every slice.

    Args:
        rows: a scan of Parquet files.
        column: whole numbers, without nulls.
        scratch: a directory for those files.
        most: about how many rows a slice has.
    """
    inner = bounds(rows, column, most)
    if not inner or _is_in_order(rows, column):
        yield from _filtered(rows, column, inner)
        return
    step = -(-len(inner) // (dealt.MOST_FILES - 1))
    of_range = pl.col(column).bin_intervals(inner[::step], labels=False)
    for part in dealt.dealt_out(rows, of_range, scratch):
        if step == 1:
            yield part.collect(engine="streaming")
        else:
            yield from in_slices(part, column, scratch, most)


def height(rows: pl.LazyFrame) -> int:
    """Count the rows of a scan."""
    return int(rows.select(pl.len()).collect(engine="streaming").item())


def bounds(rows: pl.LazyFrame, column: str, most: int) -> list[int]:
    """Return the first value of each slice but the first, from a sample."""
    count = height(rows)
    if count <= most:
        return []
    every = max(1, count // _SAMPLE)
    ordered, step = _sample(rows, column, every).sort(), max(1, most // every)
    chosen = ordered.gather_every(step, offset=step).unique().sort()
    return [value for value in chosen.to_list() if value > ordered[0]]


def _sample(rows: pl.LazyFrame, column: str, every: int) -> pl.Series:
    sample = rows.select(pl.col(column).gather_every(every)).collect(engine="streaming")
    return sample[column]


def _is_in_order(rows: pl.LazyFrame, column: str) -> bool:
    """Say whether values ascend on the whole; then a slice lies in a few row groups."""
    return _sample(rows, column, max(1, height(rows) // _THIN)).is_sorted()


def _filtered(rows: pl.LazyFrame, column: str, inner: list[int]) -> Iterator[pl.DataFrame]:
    """Yield slices, each from a scan of the row groups that hold some of it."""
    for start, end in pairwise([None, *inner, None]):
        inside = [] if start is None else [pl.col(column) >= start]
        inside += [] if end is None else [pl.col(column) < end]
        chosen = rows.filter(inside) if inside else rows
        yield chosen.collect(engine="streaming")
