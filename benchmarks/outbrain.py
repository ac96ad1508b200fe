"""Reading Outbrain's tables at growing size: time, and memory that stays flat.

    python benchmarks/outbrain.py --millions 1 4 16 --views-per-display 3

Each log is simulated; its page views are shuffled, as nothing promises their order. A process of
its own then reads the nine CSV files into the sorted, checked dataset that training starts from.
Peak memory is that of the process, its libraries included.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from clickthrough.data.simulator.simulate import simulate
from clickthrough.data.simulator.world import Settings

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


def read(folder: Path, cache: Path) -> tuple[float, float]:
    """Return seconds and peak GiB of a process that reads a log."""
    start = time.perf_counter()
    command = [sys.executable, "-c", _READ, str(folder), str(cache)]
    process = subprocess.Popen(command)  # noqa: S603
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"reading {folder} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 2**20


def main() -> None:
    """Simulate, read, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 4, 16])
    parser.add_argument("--views-per-display", type=float, default=3)
    given = parser.parse_args()
    table = Table("impressions", "page views", "CSV GB", "seconds", "rows/s", "peak GiB")
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
            seconds, peak = read(folder, Path(scratch) / "cache")
        rate = (impressions + views) / seconds
        cells = (f"{impressions:,}", f"{views:,}", f"{size:.2f}", f"{seconds:.1f}",
                 f"{rate:,.0f}", f"{peak:.2f}")  # fmt: skip
        table.add_row(*cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
