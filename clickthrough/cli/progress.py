"""What a terminal shows while a verb works: the step, how far it is, how long it takes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from clickthrough.cli import output

if TYPE_CHECKING:
    from clickthrough.training.told import Told

_PATIENCE = 2.0
"""Seconds that a step takes before it is shown."""


class _Count(ProgressColumn):
    """How much is done, where it is known how much there is."""

    def render(self, task: Task) -> Text:
        """Return it."""
        return Text("" if task.total is None else f"{task.completed:,.0f} of {task.total:,.0f}")


class _Patient(Progress):
    """Shows a step of unknown length once it has taken a while."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return what is shown now."""
        yield self.make_tasks_table([task for task in self.tasks if _is_due(task)])


def _is_due(task: Task) -> bool:
    return task.total is not None or (task.elapsed or 0.0) >= _PATIENCE


def progress(shown: bool = True) -> Progress:
    """Return what shows progress on a terminal, and nothing elsewhere."""
    return _Patient(
        TextColumn("{task.description}"),
        BarColumn(),
        _Count(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=output.console,
        transient=True,
        disable=not shown or output.is_quiet() or not output.console.is_terminal,
    )


def told(bars: Progress) -> "Told":
    """Report lines above bars that show the running step and epoch."""
    from clickthrough.training.told import Told

    task = bars.add_task("training", total=1, visible=False)

    def at(epoch: int, done: int, total: int) -> None:
        shown = done < total
        bars.update(task, description=f"epoch {epoch}", completed=done, total=total, visible=shown)

    @contextmanager
    def step(name: str) -> Iterator[None]:
        running = bars.add_task(name, total=None)
        try:
            yield
        finally:
            bars.remove_task(running)

    return Told(lambda line: output.say(output.escape(line)), at, step)
