"""Starting several processes, as a user does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conftest import ROOT


@contextmanager
def started(processes: int, *command: object) -> Iterator[subprocess.Popen[str]]:
    """Start a module in several processes of a thread each, on a free port."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    with subprocess.Popen(
        [*launcher, "--nproc-per-node", str(processes), "-m", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def torchrun(processes: int, *command: object) -> subprocess.CompletedProcess[str]:
    """Run a module in several processes to its end."""
    with started(processes, *command) as process:
        output, errors = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)
