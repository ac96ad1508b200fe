"""Whether a CSV has the shape of a table: text in UTF-8, and in each row as many fields.

Rows are counted as an editor counts them: the header is row 1.

The reader takes a row that is cut short for one whose last fields are missing. So every line's
separators are counted beforehand, which costs little beside the parsing; only where something is
wrong, or a quoted field runs over several lines, a slower pass looks at each row.
"""

import csv
from pathlib import Path
from typing import IO

import polars as pl

from clickthrough.data.encoding import find_bytes, refuse_bytes_in
from clickthrough.data.long_cells import without_cells
from clickthrough.errors import DataError

SEPARATORS = (",", "\t", ";", "|")
_HEAD, _LINES = 1_000_000, 200
"""Bytes below the first line, and lines, from which is told how a CSV is written."""
_LONGEST = 1 << 24
"""Bytes of a first line: of more, it is no header."""


def check_csv(path: Path, name: str, separator: str, columns: tuple[str, ...] | None) -> None:
    """Check the shape of a CSV.

    Args:
        path: a plain file.
        name: how errors call it.
        separator: between fields.
        columns: the names of its columns where it has no header.

    Raises:
        DataError: no rows, bytes that are not UTF-8, or a row of another number of fields.
    """
    header = first_row(path, name, separator)
    width = len(columns or header)
    if columns is not None and len(header) != width:
        raise DataError(
            f"{name}: 'columns' names {width} columns, but the first row has {len(header)} fields"
        )
    skipped = int(columns is None)
    try:
        lines, several, odd = _count_fields(path, separator, width)
    except pl.exceptions.ComputeError:
        find_bytes(path, name)
        raise
    if lines <= skipped:
        raise DataError(f"{name}: holds a header and no rows")
    if several:
        _check_slowly(path, name, separator, width)
    elif odd is not None:
        hint = divided_by(header[0]) if len(header) == 1 else ""
        _refuse_width(name, odd + 1, *_width_of(path, odd, separator, name), width, hint)


def first_line(file: IO[bytes], name: str) -> bytes:
    """Return the first line of a file, without a mark of the byte order.

    Raises:
        DataError: the file is empty, or its first line is blank, no text in UTF-8 or without end.
    """
    line = file.readline(_LONGEST)
    refuse_bytes_in(line, 1, name)
    line = line.removeprefix(b"\xef\xbb\xbf")
    if not line.strip():
        raise DataError(f"{name}: is empty" if not line else f"{name}: the first line is blank")
    if not line.endswith(b"\n") and b"\r" in line.rstrip():
        raise DataError(f"{name}: lines end with a carriage return alone, expected a newline")
    if len(line) == _LONGEST:
        raise DataError(f"{name}: row 1 has no end within {_LONGEST:,} bytes, expected a newline")
    return line


def first_row(path: Path, name: str, separator: str) -> list[str]:
    """Return the cells of the first line.

    Raises:
        DataError: as of ``first_line``, or it is of no CSV.
    """
    with path.open("rb") as file:
        return cells(first_line(file, name).decode(), separator, 1, name)


def head_lines(file: IO[bytes], name: str) -> list[str]:
    """Return the first lines that are not blank, to tell by them how a CSV is written.

    Raises:
        DataError: as of ``first_line``.
    """
    text = (first_line(file, name) + file.read(_HEAD)).decode(errors="replace")
    return [line.rstrip("\r") for line in text.split("\n")[:_LINES] if line.strip()]


def cells(line: str, separator: str, row: int, name: str) -> list[str]:
    """Return the cells of a line.

    Raises:
        DataError: it is of no CSV.
    """
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error as error:
        said = str(error).partition(" - ")[0]  # what follows is advice for programmers
        raise DataError(f"{name}: row {row}: not readable as CSV: {said}") from None


def _count_fields(path: Path, separator: str, width: int) -> tuple[int, bool, int | None]:
    """Return the number of lines, whether a field spans several, and the first odd line."""
    line = pl.col("line")
    quoted = line.str.contains('"', literal=True)
    bare = pl.when(quoted).then(line.str.replace_all('"[^"]*"', "")).otherwise(line)
    fields = bare.str.count_matches(separator, literal=True) + 1
    odd = (fields != width) | ((line == "") & (width > 1))
    found = (
        pl.scan_lines(path, name="line", glob=False)
        .with_row_index("n")
        .select(
            lines=pl.len(),
            several=bare.str.contains('"', literal=True).any(),
            odd=pl.col("n").filter(odd).min(),
        )
        .collect(engine="streaming")
    )
    lines, several, first = found.row(0)
    return lines, bool(several), first


def _width_of(path: Path, number: int, separator: str, name: str) -> tuple[int, bool]:
    """Return how many fields a line has, and whether it is the last."""
    lines = (
        pl.scan_lines(path, name="line", glob=False).slice(number, 2).collect()["line"].to_list()
    )
    line = "".join(without_cells(lines[:1], separator))
    return len(cells(line, separator, number + 1, name)), len(lines) == 1


def divided_by(header: str) -> str:
    """Say by what a header seems to be divided; nothing where it holds no separator.

    >>> divided_by("id;place")
    "; the header seems to be divided by ';' (data.separator)"
    """
    sign = max(SEPARATORS, key=header.count)
    return f"; the header seems to be divided by {sign!r} (data.separator)" * (sign in header)


def _refuse_width(name: str, row: int, found: int, last: bool, width: int, hint: str = "") -> None:
    hint = "; the file seems to be cut" if last and found < width else hint
    what = f"has {found} fields" if found else "is blank"
    raise DataError(f"{name}: row {row} {what}, expected {width}{hint}")


def _check_slowly(path: Path, name: str, separator: str, width: int) -> None:
    """Check a CSV in which quoted fields run over several lines, row by row."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(without_cells(file, separator), delimiter=separator, strict=True)
        row = 0
        try:
            for row, fields in enumerate(rows, 1):
                if len(fields) != width:
                    _refuse_width(name, row, len(fields), False, width)
        except csv.Error as error:
            raise DataError(
                f"{name}: row {row + 1}: {error}; a quote is never closed, or the file is cut"
            ) from None
