"""Removing what was only needed meanwhile, although Ctrl-C may come at any moment."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

_ATTEMPTS = 200


def removing(folder: Path, work: Callable[[], None]) -> None:
    """Work, and remove a folder afterwards, whatever happens."""
    try:
        work()
    finally:
        try:
            _remove(folder)
        except KeyboardInterrupt:  # of one Ctrl-C Polars makes two: its own, then Python's
            _remove(folder)
            raise


def _remove(folder: Path) -> None:
    """Remove a folder, into which threads of an interrupted query may write for a moment yet."""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
