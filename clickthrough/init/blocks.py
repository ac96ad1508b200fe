"""Whole lines of a file to look at: all of a small one, else its head and places throughout."""

import os
from pathlib import Path

from clickthrough.data.unpack import is_compressed, opened_plain
from clickthrough.errors import DataError

WHOLE = 24_000_000
"""Bytes: a file up to this size is looked at as a whole."""
BLOCKS = 16
_BLOCK = 1_000_000


def read_blocks(path: Path) -> tuple[list[bytes], bool, int | None]:
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
        for place in range(BLOCKS):
            file.seek(place * (size - _BLOCK) // (BLOCKS - 1), os.SEEK_SET)
            blocks.append(_whole_lines(file.read(_BLOCK), begins_within=place > 0))
    return blocks


def _whole_lines(block: bytes, begins_within: bool) -> bytes:
    start = block.find(b"\n") + 1 if begins_within else 0
    return block[start : block.rfind(b"\n") + 1]
