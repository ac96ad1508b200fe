"""The command line in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

MAIN = "from clickthrough.cli import main; main()"


def run(
    *arguments: object, folder: Path, before: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a verb.

    Args:
        arguments: of the command.
        folder: where it runs.
        before: Python that is run first.
        environment: variables beside those of this process.
    """
    paths = {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", f"{before}\n{MAIN}", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | paths | (environment or {}),
        check=False,
        timeout=300,
    )
