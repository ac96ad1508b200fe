"""Running the command line, and what becomes of everything that goes wrong."""

import errno
import os
import signal
import sys

from clickthrough.cli import output
from clickthrough.cli.crash import crash_report
from clickthrough.cli.root import app
from clickthrough.errors import ClickthroughError, install_hint

_INTERRUPTED = 130
"""How a shell reports Ctrl-C: 128 and the number of the signal."""
_EXTRAS = {"duckdb": "duckdb", "matplotlib": "plot", "openvino": "openvino", "pyspark": "spark"}
"""Modules of extras other than ``train``, which has the rest of what the scorer lacks."""
_TERMINATED = 143
"""As a shell reports SIGTERM."""
_OF_THE_MACHINE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}
"""Rights that are lacking, and disks that are full or cannot be written to."""


def main() -> None:
    """Run the command line.

    A user's mistake, or the machine's refusal of a file, is one message and exit code 2, Ctrl-C one
    and 130; whatever else escapes is a fault of clickthrough: told in two lines, exit code 1. Where
    who reads a pipe has gone, the libraries end the process with 1, quietly.
    """
    if os.getpid() == 1:  # in a container; the first process gets no signal that it does not handle
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        app()
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            output.to_errors("interrupted")
        raise
    except ClickthroughError as error:
        output.fail(str(error))
        sys.exit(2)
    except Exception as error:
        sys.exit(_told(error))


def _told(error: Exception) -> int:
    """Tell of an error that nobody foresaw; return the exit code."""
    if isinstance(error, ModuleNotFoundError) and not _is_own(error):
        output.fail(missing(error.name or ""))
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
