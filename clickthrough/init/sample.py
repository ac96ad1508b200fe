"""Rows of a table to look at: all of a small file, else some of its head and some throughout."""

import io
import os
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from clickthrough.data.csv_shape import first_line, refuse_bytes_in
from clickthrough.data.scan import TableForm, scan
from clickthrough.data.unpack import inner_name, is_compressed, opened_plain
from clickthrough.errors import DataError
from clickthrough.init.sniff import sniff

WHOLE = 24_000_000
"""Bytes: a CSV up to this size is looked at as a whole."""
_BLOCK, _BLOCKS = 1_000_000, 16
_ROWS, _PLACES = 100_000, 10


@dataclass(frozen=True)
class Sample:
    """Rows of a table.

    Attributes:
        path: the file.
        form: how it is written.
        rows: the sampled rows in the order of the file; the columns of a CSV are all texts.
        total: rows of the file, estimated where ``exact`` is false; None where not known.
        exact: whether ``rows`` are all rows.
        seen: what was looked at, in words.
    """

    path: Path
    form: TableForm
    rows: pl.DataFrame
    total: int | None
    exact: bool
    seen: str


def read_sample(path: Path) -> Sample:
    """Read a sample of a CSV or Parquet file; memory does not depend on the size of the file.

    Raises:
        DataError: the file is unreadable or holds no rows.
    """
    if inner_name(path).lower().endswith(".parquet"):
        return _of_parquet(path)
    return _of_csv(path)


def _of_parquet(path: Path) -> Sample:
    frame = scan(path, TableForm())
    total = int(frame.select(pl.len()).collect().item())
    if total == 0:
        raise DataError(f"{path}: holds no rows")
    if total <= _ROWS:
        return Sample(path, TableForm(), frame.collect(), total, True, "all rows")
    size = _ROWS // _PLACES
    starts = [place * (total - size) // (_PLACES - 1) for place in range(_PLACES)]
    rows = pl.concat([frame.slice(start, size).collect() for start in starts])
    seen = f"{len(rows):,} rows: the head, and {_PLACES - 1} places through the file"
    return Sample(path, TableForm(), rows, total, False, seen)


def _of_csv(path: Path) -> Sample:
    blocks, whole, size = _read_blocks(path)
    lines = _text(blocks[0], path).split("\n")
    form = sniff([line.rstrip("\r") for line in lines[:200] if line])
    rows = _parse(blocks, form, path)
    if len(rows) == 0:
        raise DataError(f"{path}: holds no rows")
    if whole:
        return Sample(path, form, rows, len(rows), True, "all rows")
    if size is None:
        seen = f"the first {len(rows):,} rows: a compressed file is read from its head only"
        return Sample(path, form, rows, None, False, seen)
    total = round(size * len(rows) / sum(map(len, blocks)))
    seen = f"{len(rows):,} rows: the head, and {_BLOCKS - 1} places through the file"
    return Sample(path, form, rows, total, False, seen)


def _read_blocks(path: Path) -> tuple[list[bytes], bool, int | None]:
    """Return blocks of whole lines, whether they are all, and the size of a plain file."""
    if is_compressed(path):
        with opened_plain(path) as source:
            head = source.read(WHOLE)
            whole = not source.read(1)
        return [head if whole else _whole_lines(head, False)], whole, None
    try:
        first_line(path, str(path))
        size = path.stat().st_size
        if size <= WHOLE:
            return [path.read_bytes()], True, size
        return _spread(path, size), False, size
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error}") from None


def _spread(path: Path, size: int) -> list[bytes]:
    blocks = []
    with path.open("rb") as file:
        for place in range(_BLOCKS):
            file.seek(place * (size - _BLOCK) // (_BLOCKS - 1), os.SEEK_SET)
            blocks.append(_whole_lines(file.read(_BLOCK), begins_within=place > 0))
    return blocks


def _whole_lines(block: bytes, begins_within: bool) -> bytes:
    start = block.find(b"\n") + 1 if begins_within else 0
    return block[start : block.rfind(b"\n") + 1]


def _parse(blocks: list[bytes], form: TableForm, path: Path) -> pl.DataFrame:
    """Read blocks of lines as texts; a block may begin within a quoted field, so rows are cut."""
    header = blocks[0].partition(b"\n")[0] + b"\n" if form.columns is None else b""
    try:
        return pl.concat(
            pl.read_csv(
                io.BytesIO(block if place == 0 else header + block),
                separator=form.separator,
                has_header=form.columns is None,
                new_columns=form.columns,
                infer_schema=False,
                truncate_ragged_lines=True,
            )
            for place, block in enumerate(blocks)
            if block
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{path}: not readable as CSV: {reason}") from None


def _text(block: bytes, path: Path) -> str:
    refuse_bytes_in(block.partition(b"\n")[0], 0, str(path))
    text = block[:_BLOCK].decode(errors="replace").removeprefix("\ufeff")
    if not text.strip():
        raise DataError(f"{path}: is empty")
    return text
