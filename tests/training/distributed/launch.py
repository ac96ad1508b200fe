"""Starting several processes, as a user does."""

import os
import subprocess
import sys

from tests.conftest import ROOT


def torchrun(processes: int, *command: object) -> subprocess.CompletedProcess[str]:
    """Run a module in several processes of a thread each, on a free port."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return subprocess.run(
        [*launcher, "--nproc-per-node", str(processes), "-m", *map(str, command)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
