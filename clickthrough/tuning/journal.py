"""The journal of a study: a line an operation, whole however a process ends that writes it.

Optuna's own lock is a file, which outlives a process that is killed; a journal with half of a line
in its middle can never be read again.
"""

import fcntl
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any

from optuna.storages.journal import JournalFileBackend

_BLOCK = 65_536


class JournalFile(JournalFileBackend):
    """Optuna's journal under a lock that the kernel frees.

    Plain Optuna, and what is built on it, reads the same file.

    Args:
        path: the file; it is made where there is none.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Read operations from a number on, while nobody writes: none is seen half written."""
        with self._path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            found = list(super().read_logs(log_number_from))
        yield from found

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append operations, after what a killed process may have left."""
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with self._path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            cut_torn_line(file)
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())


def cut_torn_line(file: IO[bytes]) -> None:
    """Cut a last line that has no end, and stand at the end of the file.

    Args:
        file: open to read and write, and locked.
    """
    end = size = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _BLOCK)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        file.truncate(end)
    file.seek(end)
