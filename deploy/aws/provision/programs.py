"""Programs that a command runs: found before it begins, each with a deadline."""

import shutil
from collections.abc import Mapping

from deploy.aws.provision.errors import RefusedError
from deploy.ci import command
from deploy.ci.errors import PipelineError

_WHAT = {
    "aws": "the AWS CLI: kubectl asks it for tokens",
    "kubectl": "the client of Kubernetes",
    "helm": "the installer of charts, version 3.14 or newer",
}


def need(*names: str) -> None:
    """Refuse to begin without a program."""
    for name in names:
        if shutil.which(name) is None:
            raise RefusedError(f"{name} is not on PATH: {_WHAT[name]}")


def run(*program: str, seconds: float = 120, environment: Mapping[str, str]) -> str:
    """Run a program and return what it prints.

    Args:
        program: its name and its arguments; no shell reads them.
        seconds: after which it is ended.
        environment: its variables, all of them.

    Raises:
        RefusedError: it failed or took too long; with what it said last.
    """
    try:
        return command.run(*program, seconds=seconds, env=environment)
    except PipelineError as error:
        raise RefusedError(str(error)) from None
