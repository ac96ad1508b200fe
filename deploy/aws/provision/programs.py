"""Programs that a command runs: found before it begins, each with a deadline."""

import os
import shutil
import subprocess
from collections.abc import Mapping

from deploy.aws.provision.errors import RefusedError

_WHERE = {
    "aws": "the AWS CLI, version 2: kubectl asks it for tokens",
    "kubectl": "the client of Kubernetes",
    "helm": "the installer of charts, version 3.14 or newer",
}


def need(*names: str) -> None:
    """Refuse to begin without a program."""
    for name in names:
        if shutil.which(name) is None:
            raise RefusedError(f"{name} is not on PATH: {_WHERE[name]}")


def run(
    *command: str, seconds: float = 120, given: str = "", more: Mapping[str, str] | None = None
) -> str:
    """Run a program and return what it prints.

    Args:
        command: the program and its arguments; no shell reads them.
        seconds: after which it is ended.
        given: its standard input.
        more: variables of its environment, beside this one's.

    Raises:
        RefusedError: it failed or took too long; with the last lines that it wrote.
    """
    shown = " ".join(command[:4])
    try:
        done = subprocess.run(  # noqa: S603 - no shell, no path from outside
            command,
            input=given,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**os.environ, **(more or {})},
        )
    except subprocess.TimeoutExpired as error:
        raise RefusedError(f"{shown}: no end after {seconds:g} seconds") from error
    except OSError as error:
        raise RefusedError(f"{shown}: {error.strerror}") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it says nothing").splitlines()
        raise RefusedError(f"{shown}: status {done.returncode}: {' / '.join(said[-3:])}")
    return done.stdout
