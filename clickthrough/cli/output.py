"""What is printed: results to standard output; errors, warnings and logs to standard error."""

import logging
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from clickthrough.cli.folding import folded

# what is printed holds names of others: in none of them are brackets markup
console = Console(width=None if sys.stdout.isatty() else 120, markup=False, emoji=False)
_errors = Console(stderr=True, highlight=False, markup=False, emoji=False)


@dataclass
class _Level:
    """How much is said."""

    quiet: bool = False
    verbose: bool = False


_level = _Level()


class _OnStandardError(logging.Handler):
    """Writes to standard error as it is now: while a bar is shown, rich keeps lines above it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        print(self.format(record), file=sys.stderr)


def settle(quiet: bool, verbose: int) -> None:
    """Settle how much is said.

    Args:
        quiet: whether results and errors are all.
        verbose: 1 logs what is done, 2 in detail. ``CTR_LOG=json`` logs it as a JSON object a line.
    """
    _level.quiet, _level.verbose = quiet, verbose > 0
    logger = logging.getLogger("clickthrough")
    logger.setLevel(logging.ERROR if quiet else logging.NOTSET)
    if os.environ.get("CTR_LOG") == "json":
        from clickthrough.serving.logs import log_json

        log_json()
        return
    if verbose:
        handler = _OnStandardError()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.basicConfig(handlers=[handler], force=True)
        logger.setLevel(logging.INFO if verbose == 1 else logging.DEBUG)


def is_quiet() -> bool:
    """Tell whether results and errors are all that is printed."""
    return _level.quiet


def is_verbose() -> bool:
    """Tell whether a traceback is shown."""
    return _level.verbose


def result(shown: RenderableType) -> None:
    """Print what a verb was called for; a table that is too wide in parts."""
    parts = folded(shown, console.width) if isinstance(shown, Table) else [shown]
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str | Text))


def then(text: str) -> None:
    """Print what to do next, unless it is to be quiet."""
    say(_headed("next:", "dim", text))


def then_serve(bundle: Path) -> None:
    """Say what to do with a bundle that was made."""
    name = quoted(bundle)
    then(f"clickthrough serve {name}; clickthrough report {name} shows what it is worth")


def quoted(name: object) -> str:
    """Return a name as it stands in a command that is to be copied into a shell."""
    return shlex.quote(str(name))


def note(text: str) -> None:
    """Print what a guess rests on, unless it is to be quiet."""
    say(_headed("note:", "yellow", text))


def say(text: RenderableType) -> None:
    """Print what else is of interest; nothing where it is to be quiet."""
    if not _level.quiet:
        result(text)


def warn(text: str) -> None:
    """Print what the owner of a file should know to standard error, unless it is to be quiet."""
    if not _level.quiet:
        _errors.print(text, soft_wrap=True)


def fail(text: str) -> None:
    """Print what went wrong to standard error."""
    _errors.print(_headed("error:", "bold red", text), soft_wrap=True)


def to_errors(text: str) -> None:
    """Print a text to standard error as it stands."""
    _errors.print(text, soft_wrap=True)


def command_line() -> str:
    """Return the command as it was called."""
    return shlex.join(["clickthrough", *sys.argv[1:]])


def _headed(head: str, style: str, text: str) -> Text:
    return Text.assemble((head, style), " ", text)


def show(
    record: dict[str, Any] | None, reliability: bool = False, diagram: Path | None = None
) -> None:
    """Print an evaluation, where there is one, and draw it where that is asked for."""
    if record is None:
        return
    from clickthrough.evaluation.tables import tables

    for table in tables(record, reliability):
        result(table)
    if diagram is not None:
        from clickthrough.evaluation.diagram import draw_reliability

        draw_reliability(record, diagram)
        result(f"reliability diagram in {diagram}")


def check_diagram(path: Path | None) -> None:
    """Refuse a diagram that cannot be drawn, before the work.

    Raises:
        ClickthroughError: its suffix, or a library that is missing.
    """
    if path is not None:
        from clickthrough.evaluation.diagram import check_diagram as check

        check(path)
