"""What a terminal or a notebook shows while a verb works: the steps, how far, how long yet."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from clickthrough.cli import output
from clickthrough.steps import PATIENCE, Listener, Step, listening, reading

if TYPE_CHECKING:
    from clickthrough.training.resuming.position import Epoch
    from clickthrough.training.told import Told


class _Count(ProgressColumn):
    """How much is done, where it is known how much there is."""

    def render(self, task: Task) -> Text:
        """Return it."""
        return Text("" if task.total is None else f"{task.completed:,.0f} of {task.total:,.0f}")


class _Patient(Progress):
    """Shows a step once it has taken a while."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return what is shown now."""
        yield self.make_tasks_table([task for task in self.tasks if _is_due(task)])


def _is_due(task: Task) -> bool:
    return (task.elapsed or 0.0) >= PATIENCE


@contextmanager
def progress(shown: bool = True, lines: bool = False) -> Iterator[Progress]:
    """Show the steps inside on a terminal or in a notebook, and nothing elsewhere.

    Args:
        shown: whether anything is.
        lines: whether what came of each part is printed, wherever that goes.
    """
    console = output.console
    is_seen = console.is_terminal or console.is_jupyter
    bars = _Patient(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Count(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not shown or output.is_quiet() or not is_seen,
    )
    read = _say if shown and lines else _pass_over
    with bars, listening(bar_of_each_step(bars)), reading(read):
        yield bars


def _say(line: str) -> None:
    output.say(line)


def _pass_over(_: str) -> None:
    """Leave a line to the log."""


def bar_of_each_step(bars: Progress) -> Listener:
    """Return a listener that gives every step a bar while it runs."""
    tasks: dict[Step, TaskID] = {}

    def show(step: Step) -> None:
        if step.ended:
            if step in tasks:  # else it began before anybody listened
                bars.remove_task(tasks.pop(step))
            return
        if step not in tasks:
            tasks[step] = bars.add_task(step.name, total=None)
        bars.update(tasks[step], description=step.text, completed=step.done, total=step.total)

    return show


def told(evaluated: "Callable[[Epoch], None] | None" = None) -> "Told":
    """Report lines, above the bars where there are any.

    Args:
        evaluated: takes each epoch once it is validated.
    """
    from clickthrough.training.told import Told

    return Told(_say) if evaluated is None else Told(_say, evaluated)
