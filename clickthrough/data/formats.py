"""Files of formats that are not read, told by their first bytes before they are read."""

import re
from pathlib import Path

from clickthrough.data.encoding import encoding_of
from clickthrough.data.unpack import (
    has_types,
    inner_name,
    is_compressed,
    is_parquet,
    opened_plain,
)
from clickthrough.errors import DataError

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
}
"""First bytes of a format -> its name."""
_UNSIGNED = {".br": "Brotli"}
"""Suffixes of formats that do not say at their beginning what they are."""
_EXPECTED = (
    "expected CSV or JSON lines (plain, .gz or .zip), or Parquet, under a name that ends in "
    ".parquet, JSON lines under .jsonl"
)
_JSON = re.compile(r"\ufeff?\s*(?:(\[\s*[\[{])|\{\s*\")")
_HEAD = 256
"""Bytes by which JSON is told, be there a mark of the byte order before it, or blanks."""


def refuse_other_formats(path: Path) -> None:
    """Refuse a file that is no CSV, Parquet or JSON lines, or not under a name that says which.

    Args:
        path: a file; one that cannot be opened is left to what reads it.

    Raises:
        DataError: names what it looks like, and what is read.
    """
    if is_parquet(path) and is_compressed(path):
        raise DataError(f"{path}: is Parquet in an archive, which is not read; unpack it")
    if has_types(path):
        return
    head = _head(path)
    if (array := _array_of_json(head)) is not None:
        name = f"{Path(inner_name(path)).stem}.jsonl"
        way = f"write its entries into {name}, a line each, as 'jq -c .[]' does"
        said = f"an array of JSON; {way}" if array else f"JSON lines; call it {name}"
        raise DataError(f"{path}: looks like {said}")
    found = next((name for sign, name in _SIGNS.items() if head.startswith(sign)), None)
    if is_compressed(path) and found is not None:
        raise DataError(f"{path}: is {found} in an archive, which is not read; unpack it")
    found = _UNSIGNED.get(path.suffix.lower()) or found
    if found is not None:
        raise DataError(f"{path}: looks like {found}; {_EXPECTED}")


def _head(path: Path) -> bytes:
    try:
        with opened_plain(path) as file:
            return file.read(_HEAD)
    except DataError:
        return b""


def _array_of_json(head: bytes) -> bool | None:
    """Say whether JSON is an array, and no objects; None where it is neither."""
    found = _JSON.match(head.decode(encoding_of(head, None), errors="replace"))
    return None if found is None else found[1] is not None
