"""Removing what was only needed meanwhile, although Ctrl-C may come at any moment, or a kill.

A directory is held while it is needed, by a lock that falls away with the process, however that
ends; so whoever comes later can tell what a killed process left from what is in use.
"""

import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from clickthrough.alone import flock

_ATTEMPTS = 200


def removing(folder: Path, work: Callable[[], None]) -> None:
    """Work, and remove a folder afterwards, whatever happens; it is held meanwhile."""
    held = hold(folder)
    try:
        work()
    finally:
        release(held)
        try:
            _remove(folder)
        except KeyboardInterrupt:  # of one Ctrl-C Polars makes two: its own, then Python's
            _remove(folder)
            raise


def hold(folder: Path, wait: bool = True) -> int | None:
    """Hold a directory until it is released, or the process ends; None where that cannot be."""
    with suppress(OSError, AttributeError):  # a system without O_DIRECTORY has no such locks
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        with suppress(BlockingIOError):
            if flock(opened, wait):
                return opened
        os.close(opened)
    return None


def release(held: int | None) -> None:
    """Let go of a directory."""
    if held is not None:
        os.close(held)


def clear_left(place: Path, prefix: str, suffix: str = "") -> None:
    """Remove temporary directories that killed processes left at a place.

    Args:
        place: a directory, which need not be there.
        prefix: of the names that :func:`tempfile.mkdtemp` gave them.
        suffix: the same.
    """
    left = re.compile(rf"{re.escape(prefix)}[a-z0-9_]{{8}}{re.escape(suffix)}")
    found = place.iterdir() if place.is_dir() else []
    for folder in [path for path in found if left.fullmatch(path.name)]:
        held = hold(folder, wait=False)
        if held is None:
            continue
        with suppress(FileNotFoundError):  # its process let go of it to remove it
            if any(folder.iterdir()):  # else another process has just made it, and holds it next
                shutil.rmtree(folder, ignore_errors=True)
        release(held)


def _remove(folder: Path) -> None:
    """Remove a folder, into which threads of an interrupted query may write for a moment yet."""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
