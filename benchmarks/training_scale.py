"""A whole training run at growing size: time, and memory that stays flat.

    python benchmarks/training_scale.py --millions 1 5 20

Each log is simulated (``--kind plain``); a process of its own then reads it, computes its history,
encodes it, trains one epoch and leaves a bundle. Two peaks stand beside each other: of memory that
the process holds (anonymous pages), and of all that is resident, which counts pages of mapped
files too; the system takes those back whenever it needs them.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from clickthrough.data.simulator.plain import write_log

_EVERY = 0.1
_SETTINGS = (
    "training.epochs=1",
    "training.batch_size=4096",
    "evaluation.bootstrap=0",
)


def held(process: int) -> float:
    """Return the GiB of anonymous memory of a process; 0 when it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    return int(found[1]) / 2**20 if found else 0.0


def watched(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return seconds, the peak of held memory and of resident memory in GiB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
    peaks, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(_EVERY):
            peaks[0] = max(peaks[0], held(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    over.set()
    watcher.join()
    if status:
        raise SystemExit(f"{command} failed")
    return time.perf_counter() - start, peaks[0], usage.ru_maxrss / 2**20


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
            seconds, most, resident = watched(command)
        rate = f"{impressions / seconds:,.0f}"
        figures = (f"{impressions:,}", f"{seconds:.0f}", rate, f"{most:.2f}", f"{resident:.2f}")
        table.add_row(*figures)
        Console(width=110).print(table)


if __name__ == "__main__":
    main()
