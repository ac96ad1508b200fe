"""Other programs: run with a deadline, never by a shell."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.ci.errors import PipelineError

_LONGEST = 600
"""Characters of what a program says that are told."""
_LOG = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+:\d+\] ")
"""How lines begin that kubectl and helm log, before they say in a line what is wrong."""


def run(
    *command: str,
    text: str | None = None,
    seconds: float = 60,
    shown: bool = False,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program; return what it prints.

    Args:
        command: the program and its arguments.
        text: is given to its standard input.
        seconds: after which it is ended.
        shown: what it prints goes to standard error as it comes, and nothing is returned.
        env: its whole environment; by default that of this process.

    Raises:
        PipelineError: there is no such program, it fails, or takes too long.
    """
    out = sys.stderr if shown else subprocess.PIPE
    error = None if shown else subprocess.PIPE
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603
            command, input=text, stdout=out, stderr=error, text=True, timeout=seconds,
            check=False, env=env, start_new_session=True,
            stdin=subprocess.DEVNULL if text is None else None,
        )  # fmt: skip
    except FileNotFoundError:
        raise PipelineError(f"{name}: there is no such program here") from None
    except OSError as failed:
        raise PipelineError(f"{name}: {failed.strerror}") from None
    except subprocess.TimeoutExpired:
        raise PipelineError(f"{_told(command)}: not done after {seconds:.0f} s") from None
    if done.returncode != 0:
        raise PipelineError(f"{_told(command)}: {_said(done)}")
    return done.stdout or ""


@contextmanager
def running(*command: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a program beside this one, and end it.

    Raises:
        PipelineError: there is no such program.
    """
    try:
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True,
        )  # fmt: skip
    except OSError as failed:
        raise PipelineError(f"{command[0]}: {failed.strerror}") from None
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        if process.stdout is not None:
            process.stdout.close()


def _told(command: tuple[str, ...]) -> str:
    """Return what was run, without what is too long to read."""
    return " ".join([Path(command[0]).name, *command[1:]])[:200]


def _said(done: "subprocess.CompletedProcess[str]") -> str:
    """Return what a program says of its failure, in a line."""
    lines = (done.stderr or done.stdout or "").splitlines()
    told = [line for line in lines if line.strip() and not _LOG.match(line)]
    said = " ".join(" ".join(told or lines).split())
    return said[-_LONGEST:] or f"status {done.returncode}"
