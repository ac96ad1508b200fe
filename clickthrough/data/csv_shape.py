"""Whether a CSV has the shape of a table: text in UTF-8, and in each row as many fields.

Rows are counted as an editor counts them: the header is row 1.

The reader takes a row that is cut short for one whose last fields are missing. So every line's
separators are counted beforehand, which costs little beside the parsing; only where something is
wrong, or a quoted field runs over several lines, a slower pass looks at each row.
"""

import csv
from pathlib import Path

import polars as pl

from clickthrough.errors import DataError


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
        _find_bytes(path, name)
        raise
    if lines <= skipped:
        raise DataError(f"{name}: holds a header and no rows")
    if several:
        _check_slowly(path, name, separator, width)
    elif odd is not None:
        _refuse_width(name, odd + 1, *_width_of(path, odd, separator), width)


def first_line(path: Path, name: str) -> bytes:
    """Return the first line of a file, without a mark of the byte order.

    Raises:
        DataError: the file is empty.
    """
    with path.open("rb") as file:
        line = file.readline().removeprefix(b"\xef\xbb\xbf")
    if not line.strip():
        raise DataError(f"{name}: is empty" if not line else f"{name}: the first line is blank")
    return line


def first_row(path: Path, name: str, separator: str) -> list[str]:
    """Return the cells of the first line.

    Raises:
        DataError: the file is empty, or its first line is no text in UTF-8 or of no CSV.
    """
    line = first_line(path, name)
    refuse_bytes_in(line, 1, name)
    try:
        return next(csv.reader([line.decode()], delimiter=separator))
    except csv.Error as error:
        raise DataError(f"{name}: first line: not readable as CSV: {error}") from None


def _count_fields(path: Path, separator: str, width: int) -> tuple[int, bool, int | None]:
    """Return the number of lines, whether a field spans several, and the first odd line."""
    line = pl.col("line")
    quoted = line.str.contains('"', literal=True)
    bare = pl.when(quoted).then(line.str.replace_all('"[^"]*"', "")).otherwise(line)
    fields = bare.str.count_matches(separator, literal=True) + 1
    odd = (fields != width) | ((line == "") & (width > 1))
    found = (
        pl.scan_lines(path, name="line")
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


def _width_of(path: Path, number: int, separator: str) -> tuple[int, bool]:
    """Return how many fields a line has, and whether it is the last."""
    lines = pl.scan_lines(path, name="line").slice(number, 2).collect()["line"].to_list()
    return len(next(csv.reader(lines[:1], delimiter=separator), [])), len(lines) == 1


def _refuse_width(name: str, row: int, found: int, last: bool, width: int) -> None:
    hint = "; the file seems to be cut" if last and found < width else ""
    what = f"has {found} fields" if found else "is blank"
    raise DataError(f"{name}: row {row} {what}, expected {width}{hint}")


def _check_slowly(path: Path, name: str, separator: str, width: int) -> None:
    """Check a CSV in which quoted fields run over several lines, row by row."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=separator, strict=True)
        row = 0
        try:
            for row, fields in enumerate(rows, 1):
                if len(fields) != width:
                    _refuse_width(name, row, len(fields), False, width)
        except csv.Error as error:
            raise DataError(
                f"{name}: row {row + 1}: {error}; a quote is never closed, or the file is cut"
            ) from None


def _find_bytes(path: Path, name: str) -> None:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            refuse_bytes_in(line, number, name)


def refuse_bytes_in(line: bytes, row: int, name: str) -> None:
    """Refuse a line that is not UTF-8.

    Raises:
        DataError: names the row and the bytes.
    """
    try:
        line.decode()
    except UnicodeDecodeError as error:
        around = line[max(error.start - 20, 0) : error.end + 20]
        raise DataError(
            f"{name}: row {row}: not UTF-8: {around!r}; convert it first, for example with "
            "iconv -f latin1 -t utf-8"
        ) from None
