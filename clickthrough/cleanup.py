"""Directories for what is only needed meanwhile: they go, although Ctrl-C may come at any moment.

A directory is held while it is needed, by a lock that falls away with the process, however that
ends; so whoever comes later can tell what a killed process left from what is in use.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clickthrough.alone import flock
from clickthrough.deferred import deferred

_ATTEMPTS = 200
_WRITING = ".writing"


@contextmanager
def scratch_directory(
    place: Path | None = None, prefix: str = "clickthrough-", suffix: str = ""
) -> Iterator[Path]:
    """Yield a new directory, which goes at the end with all that was put there.

    Args:
        place: where it is made; by default where the system has such.
        prefix: of its name; :func:`clear_left` finds by it what killed processes left.
        suffix: the same.

    Raises:
        OSError: it cannot be made.
    """
    folder = held = None
    try:
        try:
            with deferred():
                folder = Path(tempfile.mkdtemp(suffix, prefix, place))
                held = _hold(folder)
            yield folder
        finally:
            _remove(folder)
    finally:  # a signal may have come before the line above could begin
        _remove(folder)
        _release(held)


@contextmanager
def scratch_beside(target: Path) -> Iterator[Path]:
    """Yield a new directory ``.NAME-XXXXXXXX.writing`` for what takes a place when it is whole.

    Those that killed processes left at the place are removed when a later block has gone through:
    until then one may hold the only whole thing.

    Args:
        target: the place.

    Raises:
        OSError: the directory cannot be made.
    """
    prefix = f".{target.name}-"
    with scratch_directory(target.parent, prefix, _WRITING) as folder:
        yield folder
        clear_left(target.parent, prefix, _WRITING)


def clear_left(place: Path, prefix: str, suffix: str = "") -> None:
    """Remove the directories that killed processes left of :func:`scratch_directory`.

    Args:
        place: a directory, which need not be there.
        prefix: as they were made with.
        suffix: the same.
    """
    left = re.compile(rf"{re.escape(prefix)}[a-z0-9_]{{8}}{re.escape(suffix)}")
    found = place.iterdir() if place.is_dir() else []
    for folder in [path for path in found if left.fullmatch(path.name)]:
        held = _hold(folder, wait=False)
        if held is None:
            continue
        with suppress(FileNotFoundError):  # its process has removed it
            if any(folder.iterdir()):  # else another process has just made it, and holds it next
                shutil.rmtree(folder, ignore_errors=True)
        _release(held)


def _hold(folder: Path, wait: bool = True) -> int | None:
    """Hold a directory until it is released, or the process ends; None where that cannot be."""
    with suppress(OSError, AttributeError):  # a system without O_DIRECTORY has no such locks
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        with suppress(BlockingIOError):
            if flock(opened, wait):
                return opened
        os.close(opened)
    return None


def _release(held: int | None) -> None:
    if held is not None:
        os.close(held)


def _remove(folder: Path | None) -> None:
    """Remove a folder, into which threads of an interrupted query may write for a moment yet."""
    if folder is None:
        return
    with deferred():
        for _ in range(_ATTEMPTS):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                return
            time.sleep(0.05)
