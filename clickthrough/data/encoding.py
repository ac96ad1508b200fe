"""Bytes that should be text in UTF-8; those that are not are told with what they seem to be."""

import codecs
import re
from pathlib import Path

from clickthrough.errors import DataError

_MARKS = {  # the longer ones first, since one of UTF-32 begins as one of UTF-16 does
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Marks of the byte order -> the encoding."""
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_WESTERN = re.compile(rb"(?:[\t\n\r -~]|(?<![\x80-\xff])[\xc0-\xff](?![\x80-\xff]))*")
"""Text with single letters beyond ASCII; in other encodings of a byte a sign, and in those of
several, they stand side by side."""
_LEAST_NULS = 8
"""One byte of so many at least is NUL in the first line of a table in UTF-16."""


def refuse_bytes_in(line: bytes, row: int, name: str) -> None:
    """Refuse a line that is not UTF-8.

    Raises:
        DataError: names the row, and the bytes or their encoding.
    """
    if row == 1 and (found := _wide(line)):
        raise DataError(
            f"{name}: row 1: expected UTF-8, found {found.upper()}; convert it first: "
            f"iconv -f {found} -t utf-8"
        )
    try:
        line.decode()
    except UnicodeDecodeError as error:
        around = line[max(error.start - 20, 0) : error.end + 20]
        raise DataError(f"{name}: row {row}: not UTF-8: {around!r}; {_hint(line)}") from None


def find_bytes(path: Path, name: str) -> None:
    """Refuse the first line of a file that is not UTF-8.

    Raises:
        DataError: there is one.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            refuse_bytes_in(line, number, name)


def _hint(line: bytes) -> str:
    """Say what may help; an encoding is named only where the bytes speak for it."""
    if _CONTROL.search(line):
        return "it does not look like text"
    if _WESTERN.fullmatch(line):
        return "convert it first; if it is latin1, with iconv -f latin1 -t utf-8"
    return "convert it first, with iconv -f ENCODING -t utf-8"


def _wide(line: bytes) -> str | None:
    """Return the encoding of a first line in which a sign takes two or four bytes."""
    for mark, encoding in _MARKS.items():
        if line.startswith(mark):
            return encoding
    found = _by_nuls(line)
    # the end of the line may be cut within a sign
    text = line[: len(line) // 4 * 4].decode(found, "replace") if found else ""
    return found if text and not re.search("[\x00-\x08\x0e-\x1f\ufffd]", text) else None


def _by_nuls(line: bytes) -> str | None:
    """Tell such an encoding by the places of NUL bytes, which no table in UTF-8 has."""
    if line.count(0) * _LEAST_NULS < len(line):
        return None
    empty = [not any(line[place::4]) for place in range(4)]
    if all(empty[2:]) or all(empty[:2]):
        return "utf-32le" if all(empty[2:]) else "utf-32be"
    even, odd = 0 in line[::2], 0 in line[1::2]
    return None if even and odd else "utf-16le" if odd else "utf-16be"
