"""A command watched while it runs: the memory that it holds, the disk that it uses."""

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_EVERY = 0.1
_UNNAMED = " (deleted)"


def watched(
    command: list[str],
    look: Callable[[int, float], None] | None = None,
    **opened: Any,  # noqa: ANN401
) -> tuple[float, float, float]:
    """Run a command; return seconds, the peak of held memory and of resident memory in GiB.

    Args:
        command: what is run.
        look: is called at every look with the process and the GiB that it holds.
        opened: what else :class:`subprocess.Popen` takes.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, **opened)  # noqa: S603
    peaks, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(_EVERY):
            now = held(process.pid)
            peaks[0] = max(peaks[0], now)
            if look is not None:
                look(process.pid, now)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    finally:  # Ctrl-C ends the wait, and must end the watch
        over.set()
        watcher.join()
    if status:
        raise SystemExit(f"{command} failed")
    return time.perf_counter() - start, peaks[0], usage.ru_maxrss / 2**20


def held(process: int) -> float:
    """Return the GiB of anonymous memory of a process; 0 when it is gone."""
    found = re.search(r"RssAnon:\s+(\d+) kB", _told(process, "status"))
    return int(found[1]) / 2**20 if found else 0.0


def named_bytes(folder: Path) -> int:
    """Return the bytes on disk of all files below a folder that have a name."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).lstat().st_blocks * 512
            except OSError:  # it went meanwhile
                continue
    return total


def unnamed_bytes(process: int, folder: Path) -> int:
    """Return the bytes of files below a folder without a name, open or mapped by a process.

    They are on the disk as long as it lives, where no listing shows them.
    """
    sizes: dict[int, int] = {}
    for line in _told(process, "maps").splitlines():
        if not line.endswith(_UNNAMED):
            continue
        span, _, offset, _, inode, path = line.split(maxsplit=5)
        if path.startswith(f"{folder}/"):
            start, end = (int(one, 16) for one in span.split("-"))
            reach = int(offset, 16) + end - start
            sizes[int(inode)] = max(sizes.get(int(inode), 0), reach)
    for file in _open_files(process):
        try:
            path = str(file.readlink())
            if path.startswith(f"{folder}/") and path.endswith(_UNNAMED):
                found = file.stat()
                sizes[found.st_ino] = max(sizes.get(found.st_ino, 0), found.st_blocks * 512)
        except OSError:  # it was closed meanwhile
            continue
    return sum(sizes.values())


def _open_files(process: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return []


def _told(process: int, what: str) -> str:
    """Return what the system tells of a process; nothing when it is gone."""
    try:
        return Path(f"/proc/{process}/{what}").read_text()
    except OSError:
        return ""
