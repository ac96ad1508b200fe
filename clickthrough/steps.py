"""Steps of work that takes a while, told to whoever listens: a terminal, log lines, a notebook.

Whatever works opens a step and says how far it is; it knows nothing of who is told:

    with step("encoding") as at:
        for done, part in enumerate(parts, start=1):
            ...
            at(done, len(parts))

and whoever shows it listens around the call: ``with listening(show): train(...)``. Log lines come
without listening: of a step that takes long, how far it is, and of every step how long it took,
where logs are JSON as ``step`` and ``seconds``.

What came of a part is a line, to the log and to whoever reads: ``happened("epoch 1: ...")``.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

_log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds that a step takes before it is worth showing."""
_EVERY = 10.0
"""Seconds between two log lines of a step."""


@dataclass(eq=False)
class Step:
    """A step while it runs.

    Attributes:
        name: what is done.
        detail: what of it is done now, or nothing.
        done: how much is done, in units of ``total``.
        total: how much there is; None where that is not known.
        before: how much of it another run had done.
        ended: whether it is over, by its end or by an error.
    """

    name: str
    detail: str = ""
    done: float = 0
    total: float | None = None
    before: float = 0
    ended: bool = False
    _start: float = field(init=False)
    _line_due: float = _EVERY

    def __post_init__(self) -> None:
        """Note the moment."""
        self._start = time.monotonic()

    def __call__(self, done: float, total: float, detail: str = "") -> None:
        """Say how far the step is."""
        self.done, self.total, self.detail = done, total, detail
        self.tell()

    def tell(self) -> None:
        """Tell all who listen, and now and then the log."""
        for listener in _listeners.get():
            try:
                listener(self)
            except Exception:  # whoever shows it fails alone: neither the work nor the others
                _log.exception("a listener of the step %s failed", self.name)
        if self.ended:
            line = f"{self.name}: {self.seconds:.1f} s"
            facts = {"message": line, "step": self.name, "seconds": self.seconds}
            _log.info(line, extra={"told": facts})
        elif self.seconds >= self._line_due:
            self._line_due = self.seconds + _EVERY
            _log.info("%s%s", self.text, _so_far(self))

    @property
    def text(self) -> str:
        """The name, with what is done now."""
        return f"{self.name}: {self.detail}" if self.detail else self.name

    @property
    def seconds(self) -> float:
        """How long the step has been running."""
        return time.monotonic() - self._start

    @property
    def left(self) -> float | None:
        """Seconds left, if the rest goes as fast; None where that cannot be said."""
        here = self.done - self.before
        if self.total is None or here <= 0:
            return None
        return self.seconds * max(0.0, self.total - self.done) / here


Listener = Callable[[Step], None]
"""Is called as a step begins, whenever it says how far it is, and as it ends."""

Reader = Callable[[str], None]
"""Is given each line of what came of a part."""

_readers: ContextVar[tuple[Reader, ...]] = ContextVar("readers", default=())
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())
_running: ContextVar[Step | None] = ContextVar("running", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell a listener of every step inside, beside those who listen already."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


@contextmanager
def reading(reader: Reader) -> Iterator[None]:
    """Give a reader every line inside, beside those who read already."""
    token = _readers.set((*_readers.get(), reader))
    try:
        yield
    finally:
        _readers.reset(token)


def happened(line: str, **facts: object) -> None:
    """Tell what came of a part.

    Args:
        line: for people.
        facts: for machines: they stand beside it where logs are JSON.
    """
    _log.info(line, extra={"told": {"message": line, **facts}})
    for reader in _readers.get():
        reader(line)


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Open a step; it ends with the block, however that ends."""
    made = Step(name)
    token = _running.set(made)
    try:
        made.tell()
        yield made
    finally:
        _running.reset(token)
        made.ended = True
        made.tell()


def advance(done: float, total: float, detail: str = "") -> None:
    """Say how far the innermost step is, if there is one."""
    running = _running.get()
    if running is not None:
        running(done, total, detail)


def counted(items: Iterable[T], total: int) -> Iterator[T]:
    """Yield items, and say of the innermost step how many of them are done."""
    running = _running.get()
    for done, item in enumerate(items, start=1):
        yield item
        if running is not None:
            running(done, total)


def _so_far(step: Step) -> str:
    if not step.total:
        return f", for {step.seconds:.0f} s"
    left = "" if step.left is None else f", {step.left:.0f} s left"
    return f", {step.done / step.total:.0%}{left}"
