"""JSON lines: an object a line, whose nested objects are columns by path.

The one reader of such files, for training and for scoring: it needs no table library. Lines are
numbered as an editor counts them. ``NaN`` and infinities, which Python and pandas write, are read.
"""

import json
from collections.abc import Iterator
from itertools import repeat
from typing import IO

import msgspec

from clickthrough.data.encoding import refuse_bytes_in
from clickthrough.errors import DataError
from clickthrough.features.shown import shown
from clickthrough.nested import flat, nest

Row = dict[str, object]

LONGEST = 1 << 26
"""Bytes of a line: of more, the file is of another form."""
_ROWS, _BYTES = 10_000, 1 << 23
"""Lines, and their bytes, that are read at once."""
_MARK = b"\xef\xbb\xbf"
_WAY = "expected an object a line, as 'jq -c .' writes them"
_WAY_OF_ARRAYS = "expected an object a line, as 'jq -c .[]' writes the entries of an array"
_decode = msgspec.json.Decoder().decode


def read_rows(file: IO[bytes], name: str) -> Iterator[list[Row]]:
    """Yield the rows of a file, some at once: row ``n`` is line ``n``.

    Args:
        file: at its begin.
        name: how errors call it.

    Raises:
        DataError: a line is no object, no JSON, no text in UTF-8, too long or blank; blank lines
            may end a file.
    """
    done = 0
    for lines in _parts(file):
        if not done:
            lines[0] = lines[0].removeprefix(_MARK)
            _refuse_array(lines[0], name)
        try:
            rows = [*map(_decode, lines)]
            if set(map(type, rows)) != {dict}:
                raise TypeError
            rows = [*map(flat, rows)] if nest(rows) else rows
        except (msgspec.MsgspecError, RecursionError, TypeError, ValueError):
            rows = _one_by_one(lines, done, file, name)
        if rows:
            yield rows
        done += len(lines)


def _parts(file: IO[bytes]) -> Iterator[list[bytes]]:
    """Yield lines, some at once."""
    lines, size = list[bytes](), 0
    for line in map(file.readline, repeat(LONGEST)):
        if not line:
            break
        lines.append(line)
        size += len(line)
        if len(lines) == _ROWS or size > _BYTES:
            yield lines
            lines, size = [], 0
    if lines:
        yield lines


def _refuse_array(line: bytes, name: str) -> None:
    if line.lstrip().startswith(b"["):
        raise DataError(f"{name}: line 1: is an array of JSON; {_WAY_OF_ARRAYS}")


def _one_by_one(lines: list[bytes], done: int, file: IO[bytes], name: str) -> list[Row]:
    """Read lines of which some are odd, each by itself."""
    rows = list[Row]()
    for place, line in enumerate(lines):
        where = f"{name}: line {done + place + 1}"
        if not line.strip():
            _refuse_more(lines[place:], file, where)
            return rows
        row = _row(line, done + place + 1, name)
        if not isinstance(row, dict):
            raise DataError(f"{where}: {_WAY}, found {shown(row)}")
        try:
            rows.append(flat(row))
        except ValueError as error:
            raise DataError(f"{where}: {error}") from None
    return rows


def _refuse_more(lines: list[bytes], file: IO[bytes], where: str) -> None:
    """Refuse a blank line that does not end the file."""
    while not any(line.strip() for line in lines):
        lines = [file.readline(LONGEST)]
        if not lines[0]:
            return
    raise DataError(f"{where}: is blank; {_WAY}")


def _row(line: bytes, number: int, name: str) -> object:
    where = f"{name}: line {number}"
    if len(line) == LONGEST:
        raise DataError(f"{where}: has no end within {LONGEST:,} bytes; {_WAY}")
    refuse_bytes_in(line, number, name)
    try:
        return _decoded(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        cut = "the file seems to be cut" if number > 1 and not line.endswith(b"\n") else _WAY
        raise DataError(f"{where}: not JSON: {error}; {cut}") from None


def _decoded(line: bytes) -> object:
    """Read a line; NaN, infinities and numbers beyond those of 64 bits are read too.

    Raises:
        ValueError: it is no JSON, or a text in it is none.
    """
    try:
        return _decode(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise error from None
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair is no text") from None
    return row
