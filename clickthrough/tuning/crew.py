"""The workers of this machine: started, watched, replaced where they are killed, and ended."""

import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clickthrough.errors import ClickthroughError
from clickthrough.tuning.queue import Queue

Start = Callable[[], "subprocess.Popen[bytes]"]
"""Starts a worker, whose standard input is a pipe."""

_EVERY = 0.2
"""Seconds between two looks."""
_MOST_KILLED = 30
"""Workers killed without a trial that ended in between: something of the machine ends them."""


class Crew:
    """Workers that run the trials of a study.

    Args:
        queue: the trials.
        start: starts a worker.
        size: how many at a time.
        log: the file that workers write to.
    """

    def __init__(self, queue: Queue, start: Start, size: int, log: Path | None = None) -> None:
        self._queue, self._start, self._size, self._log = queue, start, size, log
        self._running: list[subprocess.Popen[bytes]] = []
        self._killed = self._done = 0

    def run(self, wanted: int, given: Mapping[str, Any], show: Callable[[int], None]) -> None:
        """Run until so many trials of the study ended; end the workers, whatever happens.

        Args:
            wanted: trials of the whole study.
            given: parameters of its first trial.
            show: is told how many ended.

        Raises:
            ClickthroughError: a worker ended by an error, or they are killed again and again.
        """
        try:
            while (done := len(self._queue.done())) < wanted:
                show(done)
                self._killed = self._killed if done == self._done else 0
                self._done = done
                self._muster()
                self._queue.fill(wanted, given)
                while len(self._running) < min(self._size, wanted - done):
                    self._running.append(self._start())
                time.sleep(_EVERY)
            show(done)
        finally:
            self._end()

    def _muster(self) -> None:
        """Leave out the workers that ended."""
        for worker in [one for one in self._running if one.poll() is not None]:
            self._running.remove(worker)
            if worker.returncode > 0:
                raise ClickthroughError(f"a worker ended by an error: {self._last_line()}")
            self._killed += worker.returncode < 0
        if self._killed > _MOST_KILLED:
            raise ClickthroughError(
                f"{self._killed} workers were killed while no trial ended; is there enough memory?"
            )

    def _last_line(self) -> str:
        text = self._log.read_text(errors="replace") if self._log and self._log.exists() else ""
        said = text.strip().splitlines()
        return f"{said[-1]}; see {self._log}" if said else "it says nothing"

    def _end(self) -> None:
        """End the workers at once: what they were running goes back into the queue."""
        for worker in self._running:
            worker.kill()
        for worker in self._running:
            worker.wait()
            if worker.stdin is not None:
                worker.stdin.close()
        self._queue.bury()
