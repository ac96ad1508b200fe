"""Files of formats that are not read, told by their first bytes before they are read."""

from pathlib import Path

from clickthrough.data.unpack import has_types, is_compressed, is_parquet, opened_plain
from clickthrough.errors import DataError

_LINES = "JSON lines"
_SIGNS = {
    b"PAR1": "Parquet",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x04\x22\x4d\x18": "LZ4",
    b"\xff\x06\x00\x00sNaPpY": "Snappy",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip, as of a spreadsheet",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "RAR",
    b"ARROW1": "Arrow",
    b"ORC": "ORC",
    b"Obj\x01": "Avro",
    b'{"': _LINES,
}
"""First bytes of a format -> its name."""
_UNSIGNED = {".br": "Brotli"}
"""Suffixes of formats that do not say at their beginning what they are."""
_EXPECTED = (
    "expected CSV or JSON lines (plain, .gz or .zip), or Parquet, under a name that ends in "
    ".parquet, JSON lines under .jsonl"
)


def refuse_other_formats(path: Path) -> None:
    """Refuse a file that is no CSV, Parquet or JSON lines, or not under a name that says which.

    Args:
        path: a file; one that cannot be opened is left to what reads it.

    Raises:
        DataError: names what it looks like, and what is read.
    """
    if is_compressed(path):
        _refuse_other_content(path)
        return
    if has_types(path):
        return
    found = _UNSIGNED.get(path.suffix.lower()) or _format(path)
    if found is not None:
        raise DataError(f"{path}: looks like {found}; {_EXPECTED}")


def _refuse_other_content(path: Path) -> None:
    found = "Parquet" if is_parquet(path) else _format(path)
    if found not in (None, _LINES):  # the reader of CSV says of lines how they are to be called
        raise DataError(f"{path}: is {found} in an archive, which is not read; unpack it")


def _format(path: Path) -> str | None:
    """Return what the first bytes of a file say, or of what is in an archive."""
    try:
        with opened_plain(path) as file:
            head = file.read(16)
    except DataError:
        return None
    return next((name for sign, name in _SIGNS.items() if head.startswith(sign)), None)
