"""Rows of a CSV to look at, as a plain one has them, and how the file is written."""

import io
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from clickthrough.data.csv_shape import cells, check_csv, first_line
from clickthrough.data.encoding import HEAD, encoding_of, encoding_of_file
from clickthrough.data.form import TableForm
from clickthrough.data.header import column_names, renamed
from clickthrough.data.rewriting import is_plain, rewritten_lines
from clickthrough.data.scan import above_of
from clickthrough.data.unpack import is_compressed, opened_plain
from clickthrough.errors import DataError, EmptyTableError
from clickthrough.init.blocks import WHOLE, read_blocks
from clickthrough.init.dialect import Told, told_encoding, told_form
from clickthrough.init.sampled import Sample
from clickthrough.init.written import plain_cells, told_missing, told_numbers


def sample_of_csv(path: Path, said: str | None = None) -> Sample:
    """Read a sample of a CSV; see :func:`clickthrough.init.sample.read_sample`."""
    blocks, whole, size = read_blocks(path)
    told = _form(blocks, said)
    plainly = is_plain(told.form, encoding_of(blocks[0], told.form.encoding, blocks[1:]))
    if not plainly:
        (blocks, whole), size = _rewritten(path, told.form), None
    check = partial(_check_shape, told.form, path, plainly and not is_compressed(path))
    rows, header = _parse(blocks, whole, told.form, path, check)
    form, rows, reasons = with_plain_cells(told.form, rows, told.reasons)
    notes = () if form.columns else tuple(renamed(header, rows.columns))
    sample = Sample(path, form, rows, len(rows), True, "all rows", notes, reasons=reasons)
    return sample.of_blocks(blocks, whole, size)


def _form(blocks: list[bytes], said: str | None) -> Told:
    """Tell how the lines of a CSV are written."""
    head = blocks[0][:HEAD]
    encoding = told_encoding(head, blocks)
    if said is not None:
        shows = "utf-8" in (said, encoding_of(blocks[0], said, blocks[1:]))
        encoding = {} if shows else {"encoding": (said, "as --encoding says")}
    return told_form(head, encoding, [blocks[0][HEAD:], *blocks[1:]])


def _rewritten(path: Path, form: TableForm) -> tuple[list[bytes], bool]:
    """Return the rows of a file's head as lines of a plain CSV, and whether they are all."""
    made, size = list[bytes](), 0
    with opened_plain(path) as file:
        encoding = encoding_of_file(file, form.encoding)
    with opened_plain(path) as file:
        for line in rewritten_lines(file, encoding, form, str(path)):
            made.append(line.encode())
            size += len(made[-1])
            if size > WHOLE:
                return [b"".join(made)], False
    return [b"".join(made)], True


def with_plain_cells(
    form: TableForm,
    rows: pl.DataFrame,
    reasons: dict[str, str],
) -> tuple[TableForm, pl.DataFrame, dict[str, str]]:
    """Tell how cells are written, and write them as plain ones."""
    for tell in (told_missing, partial(told_numbers, separator=form.separator)):
        found = tell(rows)
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                  for name, (value, _) in found.items()}  # fmt: skip
        form = replace(form, **values)
        reasons = reasons | {name: why for name, (_, why) in found.items()}
        rows = plain_cells(rows, form) if found else rows
    return form, rows, reasons


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
    _refuse_headers_between(parts, header, form, path)
    if not sum(map(len, parts)):
        raise EmptyTableError(f"{path}: holds no rows below its header")
    return pl.concat(parts), header


def _refuse_headers_between(
    parts: list[pl.DataFrame], header: list[str], form: TableForm, path: Path
) -> None:
    """Refuse files that were put one after the other with their headers."""
    if form.columns is not None:
        return
    for part in parts:
        cells = zip(part.columns, header, strict=True)
        again = part.filter(pl.all_horizontal(pl.col(name) == cell for name, cell in cells))
        if len(again):
            raise DataError(
                f"{path}: {len(again)} rows repeat the header, as where files were put one after "
                "the other; leave them out"
            )


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
