"""Rows of a table to look at: all of a small file, else some of its head and some throughout."""

import io
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from clickthrough.data.csv_shape import cells, check_csv, head_lines
from clickthrough.data.formats import refuse_other_formats
from clickthrough.data.header import column_names, renamed
from clickthrough.data.lines import table_of_lines
from clickthrough.data.scan import TableForm, scan
from clickthrough.data.sniff import sniff
from clickthrough.data.unpack import is_compressed, is_lines, is_parquet, opened_plain
from clickthrough.errors import DataError
from clickthrough.json_lines import read_rows

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
        notes: what its owner should hear of it.
        typed: whether columns have types of their own.
    """

    path: Path
    form: TableForm
    rows: pl.DataFrame
    total: int | None
    exact: bool
    seen: str
    notes: tuple[str, ...] = ()
    typed: bool = False


def read_sample(path: Path) -> Sample:
    """Read a sample of a table file; memory does not depend on the size of the file.

    Raises:
        DataError: the file is unreadable, of another format or holds no rows.
    """
    refuse_other_formats(path)
    if is_parquet(path):
        return sample_of_frame(scan(path, TableForm()), path)
    return _of_lines(path) if is_lines(path) else _of_csv(path)


def sample_of_frame(frame: pl.LazyFrame, path: Path) -> Sample:
    """Return a sample of a table whose columns have types.

    Args:
        frame: the table.
        path: the file, or how else errors call it.

    Raises:
        DataError: it holds no rows.
    """
    total = int(frame.select(pl.len()).collect().item())
    if total == 0:
        raise DataError(f"{path}: holds no rows")
    if total <= _ROWS:
        return Sample(path, TableForm(), frame.collect(), total, True, "all rows", typed=True)
    size = _ROWS // _PLACES
    starts = [place * (total - size) // (_PLACES - 1) for place in range(_PLACES)]
    rows = pl.concat([frame.slice(start, size).collect() for start in starts])
    seen = f"{len(rows):,} rows: the head, and {_PLACES - 1} places through the file"
    return Sample(path, TableForm(), rows, total, False, seen, typed=True)


def _of_csv(path: Path) -> Sample:
    form, header = _form(path)
    blocks = _read_blocks(path)
    rows = _parse(*blocks[:2], form, header, path)
    notes = () if form.columns else tuple(renamed(header, rows.columns))
    return _of_blocks(Sample(path, form, rows, len(rows), True, "all rows", notes), *blocks)


def _of_lines(path: Path) -> Sample:
    blocks = _read_blocks(path)
    try:
        rows, notes = table_of_lines(io.BytesIO(b"".join(blocks[0])), str(path))
    except DataError:
        with opened_plain(path) as file:  # which line it is, none of places in a file can say
            for _ in read_rows(file, str(path)):
                pass
        raise
    told = tuple(notes.values())
    sample = Sample(path, TableForm(), rows, len(rows), True, "all rows", told, typed=True)
    return _of_blocks(sample, *blocks)


def _of_blocks(sample: Sample, blocks: list[bytes], whole: bool, size: int | None) -> Sample:
    """Say of a sample what its blocks are of the file, if they are not all of it."""
    rows = len(sample.rows)
    if whole:
        return sample
    if size is None:
        seen = f"the first {rows:,} rows: a compressed file is read from its head only"
        return replace(sample, total=None, exact=False, seen=seen)
    total = round(size * rows / sum(map(len, blocks)))
    seen = f"{rows:,} rows: the head, and {_BLOCKS - 1} places through the file"
    return replace(sample, total=total, exact=False, seen=seen)


def _form(path: Path) -> tuple[TableForm, list[str]]:
    """Return how a CSV is written, and the cells of its first row."""
    with opened_plain(path) as file:
        lines = head_lines(file, str(path))
    if lines[0].lstrip()[0] in "[{":
        raise DataError(f"{path}: looks like JSON; name lines of it .jsonl")
    form = sniff(lines)
    return form, cells(lines[0], form.separator, 1, str(path))


def _read_blocks(path: Path) -> tuple[list[bytes], bool, int | None]:
    """Return blocks of whole lines, whether they are all, and the size of a plain file."""
    if is_compressed(path):
        with opened_plain(path) as source:
            head = source.read(WHOLE)
            whole = not source.read(1)
        return [head if whole else _whole_lines(head, False)], whole, None
    try:
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


def _parse(
    blocks: list[bytes], whole: bool, form: TableForm, header: list[str], path: Path
) -> pl.DataFrame:
    """Read blocks of lines as texts; a block may begin within a quoted field, so rows are cut."""
    if whole:
        _check_shape(blocks[0], form, path)
    below = blocks if form.columns else [blocks[0].partition(b"\n")[2], *blocks[1:]]
    names = form.columns or column_names(header)
    try:
        parts = [_parsed(block, form.separator, names) for block in below if block.strip()]
    except pl.exceptions.PolarsError as error:
        _check_shape(blocks[0], form, path)
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{path}: not readable as CSV: {reason}") from None
    if not sum(map(len, parts)):
        raise DataError(f"{path}: holds no rows below its header")
    return pl.concat(parts)


def _check_shape(head: bytes, form: TableForm, path: Path) -> None:
    """Refuse what training would refuse, of a compressed file as far as it was read."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        if is_compressed(path):
            file.write(head)
            file.flush()
        table = Path(file.name) if is_compressed(path) else path
        check_csv(table, str(path), form.separator, form.columns)


def _parsed(block: bytes, separator: str, names: tuple[str, ...]) -> pl.DataFrame:
    return pl.read_csv(
        io.BytesIO(block),
        separator=separator,
        has_header=False,
        new_columns=names,
        infer_schema=False,
        truncate_ragged_lines=True,
        null_values="",
    )
