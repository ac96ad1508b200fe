"""Running the command line, and what becomes of everything that goes wrong."""

import errno
import signal
import sys
import tempfile

from clickthrough.cli import output
from clickthrough.cli.crash import crash_report
from clickthrough.cli.root import app
from clickthrough.cli.signals import INTERRUPTED, TERMINATED, heard
from clickthrough.errors import ClickthroughError, install_hint
from clickthrough.full_disk import is_full

_EXTRAS = {"duckdb": "duckdb", "matplotlib": "plot", "openvino": "openvino", "pyspark": "spark"}
"""Modules of extras other than ``train``, which has the rest of what the scorer lacks."""
_OF_THE_MACHINE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
}
"""Rights that are lacking, and disks that are full or cannot be written to."""


def main() -> None:
    """Run the command line.

    A user's mistake, or the machine's refusal of a file, is one message and exit code 2, Ctrl-C one
    and 130, SIGTERM 143; whatever else escapes is a fault of clickthrough: told in two lines, exit
    code 1. Where who reads a pipe has gone, the libraries end the process with 1, quietly.
    """
    with heard() as signals:
        try:
            app()
        except SystemExit as ended:
            if ended.code == INTERRUPTED:  # as typer makes it of Ctrl-C
                _interrupted()
            raise
        except KeyboardInterrupt:
            sys.exit(_interrupted())
        except Exception as error:
            sys.exit(_told(error) if signals.number is None else _ended(signals.number))


def _ended(number: signal.Signals) -> int:
    """Return the exit code of a signal of which a library made a fault."""
    return _interrupted() if number == signal.SIGINT else TERMINATED


def _interrupted() -> int:
    output.to_errors("interrupted")
    return INTERRUPTED


def _told(error: Exception) -> int:
    """Tell of an error; return the exit code."""
    if isinstance(error, ClickthroughError):
        output.fail(str(error))
        return 2
    if isinstance(error, ModuleNotFoundError) and not _is_own(error):
        output.fail(missing(error.name or ""))
        return 2
    if is_full(error) and not getattr(error, "filename", None):  # as a library says it
        reason = " ".join(str(error).split())
        output.fail(f"a disk is full, perhaps that of {tempfile.gettempdir()} (TMPDIR): {reason}")
        return 2
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        place = "" if error.filename is None else f"{error.filename}: "
        output.fail(f"{place}{error.strerror}")
        return 2
    output.fail(crash_report(error, shown=output.is_verbose()))
    return 1


def missing(module: str) -> str:
    """Say what brings a module that is not installed.

    Args:
        module: its name, perhaps with that of a package before it.
    """
    extra = _EXTRAS.get(module.split(".", maxsplit=1)[0], "train")
    return f"this needs '{module}': {install_hint(extra)}"


def _is_own(error: ModuleNotFoundError) -> bool:
    """Tell a module that clickthrough itself lacks."""
    return error.name is None or error.name.split(".")[0] == "clickthrough"
