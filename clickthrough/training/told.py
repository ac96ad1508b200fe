"""Where a run reports to: lines, the step that it is at, and the progress of an epoch."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from clickthrough.training.resuming.position import Epoch

_log = logging.getLogger(__name__)


class Progress(Protocol):
    """Told how far an epoch has come."""

    def __call__(self, epoch: int, done: int, total: int) -> None:
        """Take the epoch's number, the rows done and the rows in all."""


def silent(epoch: int, done: int, total: int) -> None:
    """Report nothing."""


def _unseen(name: str) -> AbstractContextManager[None]:
    """Show nothing of a step."""
    return nullcontext()


@dataclass(frozen=True)
class Told:
    """Where a run reports to.

    Attributes:
        say: takes a line.
        progress: takes how far an epoch has come.
        shown: shows a step by its name, as long as it takes.
        evaluated: takes an epoch once it is validated; what it raises ends the run.
    """

    say: Callable[[str], None] = lambda line: None
    progress: Progress = silent
    shown: Callable[[str], AbstractContextManager[None]] = _unseen
    evaluated: Callable[[Epoch], None] = lambda epoch: None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show a step while it runs, and log how long it took."""
        start = time.monotonic()
        with self.shown(name):
            yield
        _log.info("%s: %.1f s", name, time.monotonic() - start)
