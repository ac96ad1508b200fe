"""Whether a failure is the disk's: a place that cannot be written is no log that cannot be read."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clickthrough.errors import DataError

_NO_SPACE = ("No space left", "File too large", "quota")
"""How the operating system says that a file cannot grow; Polars hands its words on."""
_TRANSPORT = "transport error"
"""What Polars says of the end of a Parquet file that cannot be written, or is broken."""
_UNWRITTEN = ": cannot be written: "
"""What is told already of a place within is told once."""
_LITTLE = 1 << 16
"""Bytes: the end of a file is not larger."""


def is_full(error: BaseException, place: Path | None = None) -> bool:
    """Return whether an error, or what it came of, says that a file cannot grow.

    Args:
        error: what was raised.
        place: where it was written; whether there is room tells what an error leaves open.
    """
    found: BaseException | None = error
    while found is not None:
        if any(text in str(found) for text in _NO_SPACE):
            return True
        found = found.__cause__ or found.__context__
    if place is None or _TRANSPORT not in str(error):
        return False
    return shutil.disk_usage(place).free < _LITTLE


@contextmanager
def full_disk_told(place: Path, name: object) -> Iterator[None]:
    """Let a disk that is full be told as such, whichever library writes.

    Args:
        place: a directory on that disk.
        name: of what is written.

    Raises:
        DataError: it is full.
    """
    try:
        yield
    except Exception as error:
        if is_full(error, place):
            reason = str(error).split("\n", 1)[0].rpartition(_UNWRITTEN)[2]
            raise DataError(f"{name}{_UNWRITTEN}{reason}") from None
        raise
