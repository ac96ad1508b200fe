"""How much a compressed file may unpack to: a few bytes can become more than any disk holds."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from clickthrough.errors import DataError

_LARGEST, _TIMES = 1 << 30, 200
"""Bytes that any file may unpack to, and how many times its own size: logs are packed 5 to 50."""
_RESERVE, _SHARE = 1 << 28, 20
"""What is left free on a disk: so many bytes, or of a small one a twentieth."""


@dataclass(frozen=True)
class Bounds:
    """How much a compressed file may be unpacked to.

    Attributes:
        path: the file.
        folder: where it is unpacked.
    """

    path: Path
    folder: Path

    def check(self, size: int, written: int) -> None:
        """Refuse a file that unpacks to more than is taken, or than there is room for.

        Args:
            size: to which it unpacks, as far as that is known.
            written: how much of that lies in the folder.

        Raises:
            DataError: it does.
        """
        packed = self.path.stat().st_size
        if size > max(_LARGEST, _TIMES * packed):
            raise DataError(
                f"{self.path}: {packed:,} bytes unpack to {size:,} or more, expected at most "
                f"{_LARGEST:,}, or {_TIMES} times as many; unpack it and name the plain file"
            )
        disk = shutil.disk_usage(self.folder)
        free = disk.free - min(_RESERVE, disk.total // _SHARE)
        if size - written > free:
            raise DataError(
                f"{self.path}: unpacks to {size:,} bytes or more, and {self.folder} has room for "
                f"{max(0, free + written):,}; unpack it elsewhere and name the plain file, or set "
                "data.cache"
            )
