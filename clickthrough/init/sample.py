"""Rows of a table to look at: all of a small file, else some of its head and some throughout."""

import io
from dataclasses import replace
from pathlib import Path

import polars as pl

from clickthrough.data.form import TableForm
from clickthrough.data.formats import refuse_other_formats
from clickthrough.data.lines import table_of_lines
from clickthrough.data.scan import scan
from clickthrough.data.unpack import is_lines, is_parquet, opened_plain
from clickthrough.errors import DataError, EmptyTableError
from clickthrough.init.blocks import read_blocks
from clickthrough.init.csv_sample import sample_of_csv, with_plain_cells
from clickthrough.init.sampled import Sample
from clickthrough.json_lines import read_rows

_ROWS, _PLACES = 100_000, 10


def read_sample(path: Path, encoding: str | None = None) -> Sample:
    """Read a sample of a table file; memory does not depend on the size of the file.

    Args:
        path: the file.
        encoding: of a CSV's text, as its owner says; by default it is told by its bytes.

    Raises:
        DataError: the file is unreadable, of another format or holds no rows.
    """
    refuse_other_formats(path)
    if is_parquet(path):
        return sample_of_frame(scan(path, TableForm()), path)
    return _of_lines(path) if is_lines(path) else sample_of_csv(path, encoding)


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
        raise EmptyTableError(f"{path}: holds no rows")
    if total <= _ROWS:
        return _typed(Sample(path, TableForm(), frame.collect(), total, True, "all rows"))
    size = _ROWS // _PLACES
    starts = [place * (total - size) // (_PLACES - 1) for place in range(_PLACES)]
    rows = pl.concat([frame.slice(start, size).collect() for start in starts])
    seen = f"{len(rows):,} rows: the head, and {_PLACES - 1} places through the file"
    return _typed(Sample(path, TableForm(), rows, total, False, seen))


def _typed(sample: Sample) -> Sample:
    """Tell which texts of a table with types stand for no value."""
    rows = sample.rows
    texts = rows.select(name for name, dtype in rows.schema.items() if dtype == pl.String)
    form, plain, reasons = with_plain_cells(sample.form, texts, {})
    return replace(sample, form=form, rows=rows.with_columns(plain), reasons=reasons, typed=True)


def _of_lines(path: Path) -> Sample:
    blocks = read_blocks(path)
    try:
        rows, notes = table_of_lines(io.BytesIO(b"".join(blocks[0])), str(path))
    except DataError:
        with opened_plain(path) as file:  # which line it is, none of places in a file can say
            for _ in read_rows(file, str(path)):
                pass
        raise
    told = tuple(notes.values())
    return _typed(Sample(path, TableForm(), rows, len(rows), True, "all rows", told)).of_blocks(
        *blocks
    )
