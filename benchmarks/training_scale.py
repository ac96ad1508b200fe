"""A whole training run at growing size: time, and memory that stays flat.

    python benchmarks/training_scale.py --millions 1 5 20

Each log is simulated (``--kind plain``); a process of its own then reads it, computes its history,
encodes it, trains one epoch and leaves a bundle. Two peaks stand beside each other: of memory that
the process holds (anonymous pages), and of all that is resident, which counts pages of mapped
files too; the system takes those back whenever it needs them.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table
from watching import watched

from clickthrough.data.simulator.plain import write_log

_SETTINGS = (
    "training.epochs=1",
    "training.batch_size=4096",
    "evaluation.bootstrap=0",
)


def main() -> None:
    """Simulate, train, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 5, 20])
    parser.add_argument("--scratch", type=Path, help="where logs and bundles lie meanwhile")
    given = parser.parse_args()
    columns = ("impressions", "seconds", "impressions/s", "held GiB", "resident GiB")
    table = Table(*columns, title="train: read, history, encode, one epoch, calibrate, evaluate")
    for millions in given.millions:
        impressions = round(millions * 1e6)
        with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
            folder = Path(scratch)
            write_log(folder / "log", impressions)
            command = [sys.executable, "-c", "from clickthrough.cli import main; main()", "train"]
            command += [str(folder / "log" / "config.yaml"), "--out", str(folder / "models")]
            command += ["--no-baselines", *(p for s in _SETTINGS for p in ("--set", s))]
            seconds, most, resident = watched(command, stdout=subprocess.DEVNULL)
        rate = f"{impressions / seconds:,.0f}"
        figures = (f"{impressions:,}", f"{seconds:.0f}", rate, f"{most:.2f}", f"{resident:.2f}")
        table.add_row(*figures)
        Console(width=110).print(table)


if __name__ == "__main__":
    main()
