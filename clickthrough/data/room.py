"""How much disk a first read takes: a log is written as it comes, dealt out, and in order."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

from clickthrough.data.form import TableForm
from clickthrough.data.rewriting import is_plain
from clickthrough.data.unpack import has_types, is_compressed, is_lines

_OF_TEXT, _OF_LINES, _OF_PARQUET = 0.7, 0.35, 3.0
"""What all copies take of a file's bytes: they are packed, less well in no order, texts are not."""
_ROUND = 1 << 32
"""The end of a ``.gz`` tells the size but for a multiple of this."""
_SURE, _LEAST = 1 << 28, 2
"""Of packed bytes: up to so many it tells all; of more what is plain is so many times as large."""


def table_bytes(paths: Iterable[Path], form: TableForm) -> int:
    """Return about how many bytes the conversion of a log's files takes.

    Args:
        paths: its tables; those that are not there take none.
        form: how they are written.
    """
    return round(sum(_of_table(path, form) for path in paths if path.is_file()))


def parquet_bytes(paths: Iterable[Path], times: float = _OF_PARQUET) -> int:
    """Return the same of Parquet files, of whose bytes it takes so many times as many."""
    return round(times * sum(path.stat().st_size for path in paths if path.is_file()))


def plain_bytes(path: Path) -> int:
    """Return the size of a file once it is plain, as far as the file tells it."""
    size = path.stat().st_size
    if not is_compressed(path):
        return size
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                return sum(member.file_size for member in archive.infolist())
        with path.open("rb") as file:
            file.seek(-4, 2)
            told = int.from_bytes(file.read(4), "little")
    except (OSError, ValueError, zipfile.BadZipFile):  # whoever reads it says so
        return size
    lacking = _LEAST * size - told if size > _SURE else 0
    return told + _ROUND * max(0, -(-lacking // _ROUND))


def _of_table(path: Path, form: TableForm) -> float:
    plain, compressed = plain_bytes(path), is_compressed(path)
    if is_lines(path):
        return plain * (_OF_LINES + compressed)
    if has_types(path):
        return plain * (_OF_PARQUET + compressed)
    anew = not is_plain(form, form.encoding or "utf-8")
    return plain * (_OF_TEXT + compressed + anew)
