"""Whether a CSV has the shape of a table: text in UTF-8, and in each row as many fields.

Rows are counted as an editor counts them: the header is row 1.

The reader takes a row that is cut short for one whose last fields are missing. So every line's
separators are counted beforehand, which costs little beside the parsing; only where something is
wrong, or a quoted field runs over several lines, a slower pass looks at each row.
"""

import csv
import re
from pathlib import Path
from typing import IO

import polars as pl

from clickthrough.data.encoding import find_bytes, is_utf8, refuse_bytes_in
from clickthrough.data.long_cells import without_cells
from clickthrough.errors import DataError, EmptyTableError

SEPARATORS = (",", "\t", ";", "|", "\x01", "^", "~")
BLANK = " "
"""Divides cells where nothing else does."""
_HEAD, LINES = 1_000_000, 200
"""Bytes below the first line, and lines, from which is told how a CSV is written."""
_LONGEST = 1 << 24
"""Bytes of a first line: of more, it is no header."""
_COMMENT = re.compile("#|//")
_APOSTROPHES = re.compile(r"(?:^|\W)'[^']*\W[^']*'(?:\W|$)")
_NOTE = re.compile(r"\W|total|.*\brows?\b", re.IGNORECASE)
"""Lines that are written below a table, such as how many rows it has."""


def check_csv(
    path: Path, name: str, separator: str, columns: tuple[str, ...] | None, above: int = 0
) -> int | None:
    """Check the shape of a CSV.

    Args:
        path: a plain file.
        name: how errors call it.
        separator: between fields.
        columns: the names of its columns where it has no header.
        above: lines that stood above its first one before it was written anew.

    Returns:
        How many rows are to be read, where blank lines follow the last one.

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
        lines, blank, several, odd = _count_fields(path, separator, width)
    except pl.exceptions.ComputeError:
        find_bytes(path, name)
        raise
    if lines <= skipped:
        raise EmptyTableError(f"{name}: holds a header and no rows")
    if several:
        rows = _check_slowly(path, name, separator, width, above)
        return rows - skipped if blank else None
    if odd is not None:
        found, hint = _odd_line(path, odd, separator, name, width)
        hint = divided_by(header[0]) if len(header) == 1 else hint
        _refuse_width(name, above + odd + 1, found, width, hint)
    return lines - skipped if blank else None


def first_line(file: IO[bytes], name: str) -> bytes:
    """Return the first line of a file, without a mark of the byte order.

    Raises:
        DataError: the file is empty, or its first line is blank, no text in UTF-8 or without end.
    """
    line = file.readline(_LONGEST)
    if not is_utf8(line, whole=True):
        refuse_bytes_in(line, 1, name, file.read(_HEAD))
    line = line.removeprefix(b"\xef\xbb\xbf")
    if not line.strip():
        if not (line + file.read(_HEAD)).strip():
            raise EmptyTableError(f"{name}: is empty")
        raise DataError(f"{name}: the first line is blank")
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
    return [line.rstrip("\r") for line in text.split("\n")[:LINES] if line.strip()]


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


def _count_fields(path: Path, separator: str, width: int) -> tuple[int, int, bool, int | None]:
    """Count the lines of a table.

    Returns:
        The number of lines up to the last that is not blank, and of those after it; whether a
        field spans several lines; the first line of another width.
    """
    line = pl.col("line")
    quoted = line.str.contains('"', literal=True)
    bare = pl.when(quoted).then(line.str.replace_all('"[^"]*"', "")).otherwise(line)
    fields = bare.str.count_matches(separator, literal=True) + 1
    blank = (line.str.strip_chars_end("\r") == "") & (width > 1)
    number = pl.col("n")
    found = (
        pl.scan_lines(path, name="line", glob=False)
        .with_row_index("n")
        .select(
            all=pl.len(),
            lines=number.filter(~blank).max() + 1,
            several=bare.str.contains('"', literal=True).any(),
            odd=number.filter((fields != width) & ~blank).min(),
            blank=number.filter(blank).min(),
        )
        .collect(engine="streaming")
    )
    every, lines, several, odd, first = found.row(0)
    lines = lines or 0
    within = [place for place in (odd, first) if place is not None and place < lines]
    return lines, every - lines, bool(several), min(within, default=None)


def _odd_line(path: Path, number: int, separator: str, name: str, width: int) -> tuple[int, str]:
    """Return how many fields a line has, and what it may be."""
    lines = (
        pl.scan_lines(path, name="line", glob=False).slice(number, 2).collect()["line"].to_list()
    )
    line = "".join(without_cells(lines[:1], separator))
    found = len(cells(line, separator, number + 1, name))
    return found, _may_be(lines[0], len(lines) == 1 and found < width)


def _may_be(line: str, ends: bool) -> str:
    """Say what a line may be that is not as wide as a table.

    Args:
        line: the line.
        ends: whether it is the last, and too short.

    >>> _may_be("# of March", False)
    '; it looks like a comment (data.comment)'
    """
    if _COMMENT.match(line):
        return "; it looks like a comment (data.comment)"
    if '\\"' in line:
        return "; a backslash stands before a quote (data.escape)"
    if _APOSTROPHES.search(line):
        return "; apostrophes seem to be quotes (data.quote)"
    if ends and _NOTE.match(line):
        return f"; it seems to be a note below the table: {line[:40]!r}"
    return "; the file seems to be cut" * ends


def divided_by(header: str) -> str:
    """Say by what a header seems to be divided; nothing where it holds no separator.

    >>> divided_by("id;place")
    "; the header seems to be divided by ';' (data.separator)"
    """
    sign = max(SEPARATORS, key=header.count)
    return f"; the header seems to be divided by {sign!r} (data.separator)" * (sign in header)


def _refuse_width(name: str, row: int, found: int, width: int, hint: str = "") -> None:
    what = f"has {found} fields" if found else "is blank"
    raise DataError(f"{name}: row {row} {what}, expected {width}{hint}")


def _check_slowly(path: Path, name: str, separator: str, width: int, above: int) -> int:
    """Check a CSV in which quoted fields run over several lines, row by row; return its rows."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(without_cells(file, separator), delimiter=separator, strict=True)
        row = last = 0
        try:
            for row, fields in enumerate(rows, 1):
                if not fields and width > 1:  # blank lines may follow the last row
                    continue
                if row > last + 1:
                    _refuse_width(name, above + last + 1, 0, width)
                if len(fields) != width:
                    _refuse_width(name, above + row, len(fields), width)
                last = row
        except csv.Error as error:
            raise DataError(
                f"{name}: row {above + row + 1}: {error}; a quote is never closed, or the file is "
                "cut"
            ) from None
    return last
