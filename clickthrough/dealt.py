"""Rows of a table of any size, in parts that can be held: rows of the same key share one."""

import shutil
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from clickthrough.cleanup import scratch_directory
from clickthrough.full_disk import full_disk_told
from clickthrough.parquet import scan

HELD = 1_000_000
"""About so many rows are held at a time."""
DEALT = "dealt-"
"""What the names of its directories begin with."""
MOST_FILES = 64
"""Files that are written at once; each holds a buffer."""
_LONG = 4
"""Times so many rows are held rather than dealt out again."""
_LEVELS = 2
"""Divisions that are enough for any log."""
_ROW_GROUP = 50_000
_PART = "__part"


def dealt(
    rows: pl.LazyFrame, keys: Sequence[str], folder: Path | None, level: int = 0
) -> Generator[pl.LazyFrame]:
    """Yield rows in parts; a table that is too long is dealt out to files.

    A part is there until the next one is asked for.

    Args:
        rows: the table.
        keys: columns whose values decide the part of a row.
        folder: where there is room meanwhile; without one all rows are one part.
        level: of how many divisions they are a part already.

    Raises:
        DataError: the disk is full.
    """
    count = 0 if folder is None else rows.select(pl.len()).collect(engine="streaming").item()
    parts = -(-count // HELD)
    number = pl.struct(keys).hash(level) % min(MOST_FILES, max(parts, 1))
    if folder is None or parts <= 1 or level == _LEVELS or (level and _is_one(rows, number)):
        yield rows
        return
    for own in dealt_out(rows, number, folder, compression="lz4"):
        if parts > _LONG * MOST_FILES:
            yield from dealt(own, keys, folder, level + 1)
        else:
            yield own


def _is_one(rows: pl.LazyFrame, number: pl.Expr) -> bool:
    """Say whether all rows are of one part, so that dealing them out again would not help."""
    return bool(rows.select(number.n_unique()).collect(engine="streaming").item() == 1)


def dealt_out(
    rows: pl.LazyFrame,
    part: pl.Expr,
    folder: Path,
    compression: Literal["lz4", "zstd"] = "zstd",
) -> Generator[pl.LazyFrame]:
    """Write each part of a table to files of its own, and yield scans of them in turn.

    Args:
        rows: the table.
        part: the number of each row's part, less than ``MOST_FILES``.
        folder: where they lie; each part goes as soon as the next is asked for.
        compression: of the files.

    Raises:
        DataError: the disk is full.
    """
    with scratch_directory(folder, DEALT) as beside:
        with full_disk_told(beside, folder):
            rows.with_columns(part.alias(_PART)).sink_parquet(
                pl.PartitionBy(beside, key=_PART, include_key=False),
                compression=compression,
                row_group_size=_ROW_GROUP,
            )
        for number in range(MOST_FILES):
            own = beside / f"{_PART}={number}"
            if own.exists():
                yield scan(own)
                shutil.rmtree(own)
