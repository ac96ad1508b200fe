"""Rows of a table to look at: all of a small file, else some of its head and some throughout."""

import io
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from clickthrough.data.csv_shape import cells, check_csv, first_line, head_lines
from clickthrough.data.encoding import HEAD, encoding_of
from clickthrough.data.form import TableForm
from clickthrough.data.formats import refuse_other_formats
from clickthrough.data.header import column_names, renamed
from clickthrough.data.rewriting import is_plain, rewritten_lines
from clickthrough.data.scan import above_of, scan
from clickthrough.data.unpack import is_compressed, is_parquet, opened_plain
from clickthrough.errors import DataError
from clickthrough.init.dialect import Settings, Told, told_encoding, told_form
from clickthrough.init.written import plain_cells, told_missing, told_numbers

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
        reasons: why the form is what it is: a setting and a reason each.
    """

    path: Path
    form: TableForm
    rows: pl.DataFrame
    total: int | None
    exact: bool
    seen: str
    notes: tuple[str, ...] = ()
    typed: bool = False
    reasons: dict[str, str] = field(default_factory=dict)


def read_sample(path: Path) -> Sample:
    """Read a sample of a CSV or Parquet file; memory does not depend on the size of the file.

    Raises:
        DataError: the file is unreadable, of another format or holds no rows.
    """
    refuse_other_formats(path)
    if is_parquet(path):
        return sample_of_frame(scan(path, TableForm()), path)
    return _of_csv(path)


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
    form, plain, reasons = _with_plain_cells(sample.form, texts, {}, (told_missing,))
    return replace(sample, form=form, rows=rows.with_columns(plain), reasons=reasons, typed=True)


def _of_csv(path: Path) -> Sample:
    blocks, whole, size = _read_blocks(path)
    told = _form(path, blocks)
    form, head_only = told.form, size is None
    plainly = is_plain(form, blocks[0])
    if not plainly:
        blocks, whole = _rewritten(path, form)
        head_only = not whole
    length = sum(map(len, blocks))
    check = partial(_check_shape, form, path, plainly and not is_compressed(path))
    rows, header = _parse(blocks, whole, form, path, check)
    form, rows, reasons = _with_plain_cells(form, rows, told.reasons)
    notes = () if form.columns else tuple(renamed(header, rows.columns))
    sample = Sample(path, form, rows, len(rows), True, "all rows", notes, reasons=reasons)
    if whole:
        return sample
    if head_only:
        why = "a compressed file is" if size is None else "a file in such lines is"
        seen = f"the first {len(rows):,} rows: {why} read from its head only"
        return replace(sample, total=None, exact=False, seen=seen)
    seen = f"{len(rows):,} rows: the head, and {_BLOCKS - 1} places through the file"
    return replace(sample, total=round((size or 0) * len(rows) / length), exact=False, seen=seen)


def _form(path: Path, blocks: list[bytes]) -> Told:
    """Tell how the lines of a CSV are written, and refuse what is none."""
    head = blocks[0][:HEAD]
    encoding = told_encoding(head, blocks)
    told = told_form(head, encoding)
    if is_plain(told.form, head):
        first = head_lines(io.BytesIO(head), str(path))[0]
        if first.lstrip()[0] in "[{":
            raise DataError(f"{path}: looks like JSON; expected CSV or Parquet")
    return told


def _rewritten(path: Path, form: TableForm) -> tuple[list[bytes], bool]:
    """Return the rows of a file's head as lines of a plain CSV, and whether they are all."""
    made, size = list[bytes](), 0
    with opened_plain(path) as file:
        encoding = encoding_of(file.read(HEAD), form.encoding)
    with opened_plain(path) as file:
        for line in rewritten_lines(file, encoding, form, str(path)):
            made.append(line.encode())
            size += len(made[-1])
            if size > WHOLE:
                return [b"".join(made)], False
    return [b"".join(made)], True


def _with_plain_cells(
    form: TableForm,
    rows: pl.DataFrame,
    reasons: dict[str, str],
    tells: Sequence[Callable[[pl.DataFrame], Settings]] = (told_missing, told_numbers),
) -> tuple[TableForm, pl.DataFrame, dict[str, str]]:
    """Tell how cells are written, and write them as plain ones."""
    for tell in tells:
        found = tell(rows)
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                  for name, (value, _) in found.items()}  # fmt: skip
        form = replace(form, **values)
        reasons = reasons | {name: why for name, (_, why) in found.items()}
        rows = plain_cells(rows, form) if found else rows
    return form, rows, reasons


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
    blocks: list[bytes],
    whole: bool,
    form: TableForm,
    path: Path,
    check: Callable[[bytes], None],
) -> tuple[pl.DataFrame, list[str]]:
    """Read blocks of plain lines as texts; one may begin within a quoted field: rows are cut.

    Returns:
        The rows, and the cells of the first one, be it a header.
    """
    if whole:
        check(blocks[0])
        blocks = [blocks[0].rstrip(b"\r\n") + b"\n"]
    first = first_line(io.BytesIO(blocks[0]), str(path)).decode()
    header = cells(first, form.separator, 1, str(path))
    below = blocks if form.columns else [blocks[0].partition(b"\n")[2], *blocks[1:]]
    names = form.columns or column_names(header)
    try:
        parts = [_parsed(block, form.separator, names) for block in below if block.strip()]
    except pl.exceptions.PolarsError as error:
        check(blocks[0])
        reason = str(error).split("\n", 1)[0]
        raise DataError(f"{path}: not readable as CSV: {reason}") from None
    if not sum(map(len, parts)):
        raise DataError(f"{path}: holds no rows below its header")
    return pl.concat(parts), header


def _check_shape(form: TableForm, path: Path, as_it_is: bool, head: bytes) -> None:
    """Refuse what training would refuse, of a file that was made plain as far as it was read."""
    if as_it_is:
        check_csv(path, str(path), form.separator, form.columns)
        return
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(head)
        file.flush()
        check_csv(Path(file.name), str(path), form.separator, form.columns, above_of(path, form))


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
