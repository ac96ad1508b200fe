"""Watching the place of the bundle: a new version that lies there takes over by itself."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clickthrough.bundle.manifest import read_manifest
from clickthrough.errors import ClickthroughError
from clickthrough.serving.reload import Current

Stamp = tuple[tuple[str, int, int, int], ...]
"""Of each file: its name, inode, size and time of change."""


class Watch:
    """Looks for a new version; one that was refused is tried again when its files change.

    Args:
        current: what is to be replaced.
    """

    def __init__(self, current: Current) -> None:
        self._current = current
        self._seen: Stamp | None = None

    def look(self) -> bool:
        """Look once; return whether a new version took over."""
        stamp = stamp_of(self._current.path)
        if not stamp or stamp == self._seen:
            return False
        self._seen = stamp
        try:
            # other limits or metrics make another bundle of the same version
            serving = self._current.predictor.bundle.manifest
            if read_manifest(self._current.path).files == serving.files:
                return False
            self._current.reload()
        except ClickthroughError:
            return False
        return True

    async def go_on(self, seconds: float) -> None:
        """Look every so many seconds, on a thread of its own; never where they are 0."""
        if not seconds:
            return
        with ThreadPoolExecutor(1, "watch") as thread:
            while True:
                await asyncio.sleep(seconds)
                await asyncio.get_running_loop().run_in_executor(thread, self.look)


def stamp_of(folder: Path) -> Stamp | None:
    """Return what changes when a file of a bundle does; None while it is being replaced."""
    try:
        files = [(path, path.stat()) for path in sorted(folder.resolve().rglob("*"))]
    except OSError:
        return None
    return tuple((str(p), s.st_ino, s.st_size, s.st_mtime_ns) for p, s in files)
