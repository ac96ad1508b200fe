"""Room on disk: what work needs of it is told before the work, and what lacks it is refused."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clickthrough.errors import DataError
from clickthrough.steps import happened

_TOLD = 1_000_000_000
"""Bytes from which on a need is told."""
_LEAST = 4_000_000
"""Of fewer bytes nothing is refused: there an estimate is coarser than a disk is full."""


@dataclass(frozen=True)
class Need:
    """Disk that work will fill, about and rather too much than too little.

    Attributes:
        what: for people.
        size: bytes.
        place: a directory, which need not be there yet.
    """

    what: str
    size: int
    place: Path


def see_to_room(needs: Iterable[Need], remedy: str) -> None:
    """Tell what work needs of each file system, where that is much.

    Args:
        needs: all that lies there at one time.
        remedy: what to do where there is too little.

    Raises:
        DataError: a file system has less.
    """
    by_device: dict[int, list[Need]] = {}
    for need in needs:
        if need.size > 0:
            by_device.setdefault(_there(need.place).stat().st_dev, []).append(need)
    for own in by_device.values():
        _see_to(own, remedy)


def _see_to(needs: Sequence[Need], remedy: str) -> None:
    total, place = sum(need.size for need in needs), needs[0].place
    room = free(place)
    line = f"{place}: needs about {_sizes(needs)} of disk; {written(room)} are free"
    if total > room and total >= _LEAST:
        raise DataError(f"{line}; {remedy}")
    if total >= _TOLD:
        happened(line, needs={need.what: need.size for need in needs}, free=room)


def free(place: Path) -> int:
    """Return the bytes that may be written at a place, or where it would be made."""
    return shutil.disk_usage(_there(place)).free


def written(size: int) -> str:
    """Write bytes for people.

    >>> written(31_250_000_000), written(4_100_000)
    ('31.2 GB', '4.1 MB')
    """
    return f"{size / 1e9:,.1f} GB" if size >= _TOLD else f"{size / 1e6:,.1f} MB"


def _sizes(needs: Sequence[Need]) -> str:
    """Write the sum of needs, and what it is made of."""
    total = written(sum(need.size for need in needs))
    if len(needs) == 1:
        return f"{total} ({needs[0].what})"
    return f"{total} ({', '.join(f'{need.what} {written(need.size)}' for need in needs)})"


def _there(place: Path) -> Path:
    """Return a place, or the nearest directory above it that there is."""
    return next(path for path in (place.absolute(), *place.absolute().parents) if path.exists())
