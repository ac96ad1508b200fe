"""Reading Outbrain's tables at growing size: time, and memory that stays flat.

    python benchmarks/outbrain.py --millions 1 4 16 --views-per-display 3
    python benchmarks/outbrain.py --millions 1 --runs 5 --against ../before

Each log is simulated; its page views are shuffled, as nothing promises their order. A process of
its own then reads the nine CSV files into the sorted, checked dataset that training starts from.
Peak memory is that of the process, its libraries included. Of several runs the best counts, each
figure for itself; ``--against`` a checkout of another version reads the log by that one in turn.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import reduce
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from clickthrough.data.simulator.simulate import simulate
from clickthrough.data.simulator.world import Settings

_HERE = Path(__file__).resolve().parent.parent
_READ = """
import sys
from pathlib import Path
import clickthrough.config.load as load
from clickthrough.data.open import open_dataset
config = load.load_config("outbrain", data=Path(sys.argv[1])).data
report = open_dataset(config.model_copy(update={"cache": Path(sys.argv[2])})).report
print(report.impressions)
"""


def make_log(folder: Path, impressions: int, views: int, seed: int = 7) -> None:
    """Simulate a log, then repeat and shuffle its page views until they are as many as wanted."""
    simulate(folder, Settings(impressions, seed))
    path = folder / "page_views.csv"
    given = pl.read_csv(path)
    rng = np.random.default_rng(seed)
    made = given[rng.integers(0, len(given), views)]
    # moved by up to ten minutes: views that repeat another exactly would count with it
    moved = pl.col("timestamp") + pl.Series(rng.integers(0, 600_000, views))
    made.with_columns(moved.alias("timestamp")).write_csv(path)


@dataclass(frozen=True)
class Reading:
    """What one reading took.

    Attributes:
        seconds: that passed.
        cpu: seconds of all cores.
        peak: GiB.
    """

    seconds: float
    cpu: float
    peak: float

    def or_better(self, other: "Reading") -> "Reading":
        """Return the best of each figure."""
        mine, theirs = astuple(self), astuple(other)
        return Reading(*map(min, mine, theirs))


def read(folder: Path, code: Path) -> Reading:
    """Let a process of a checkout's code read a log, into a cache of its own."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as cache:
        start = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", _READ, str(folder), cache],
            env=os.environ | {"PYTHONPATH": str(code)},
            stdout=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"reading {folder} failed")
        taken = time.perf_counter() - start
    return Reading(taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20)


def in_turn(folder: Path, codes: Sequence[Path], runs: int) -> list[Reading]:
    """Return the best reading of a log by each checkout."""
    taken = [[read(folder, code) for code in codes] for _ in range(runs)]
    return [reduce(Reading.or_better, own) for own in zip(*taken, strict=True)]


def main() -> None:
    """Simulate, read, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 4, 16])
    parser.add_argument("--views-per-display", type=float, default=3)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--against", type=Path, help="a checkout of another version")
    given = parser.parse_args()
    codes = [_HERE, *([given.against.resolve()] if given.against else [])]
    table = Table("code", "impressions", "page views", "CSV GB", "seconds", "CPU seconds",
                  "rows/s", "peak GiB")  # fmt: skip
    for millions in given.millions:
        impressions = round(millions * 1e6)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "log"
            views = round(given.views_per_display * impressions / 5.05)
            # apart, as a process counts the peak of the one that began it as its own
            apart = multiprocessing.get_context("spawn").Process(
                target=make_log, args=(folder, impressions, views)
            )
            apart.start()
            apart.join()
            size = sum(path.stat().st_size for path in folder.glob("*.csv")) / 1e9
            taken = in_turn(folder, codes, given.runs)
        for code, best in zip(("this", "other"), taken, strict=False):
            rate = (impressions + views) / best.seconds
            table.add_row(code, f"{impressions:,}", f"{views:,}", f"{size:.2f}",
                          f"{best.seconds:.1f}", f"{best.cpu:.2f}", f"{rate:,.0f}",
                          f"{best.peak:.2f}")  # fmt: skip
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
