"""Batch history: ten key sets x {impressions, clicks}, as of every impression.

    python benchmarks/history.py --millions 1 5 20 --engines polars duckdb
    python benchmarks/history.py --millions 1 --engines polars duckdb spark \
        --forms all decayed sliding

Each run is a process of its own on the same log: wall time of all passes, Parquet in to Parquet
out, and the peak memory of the process, or of Spark's Java process where that is more. Spark runs
on ``--master`` (``local[2]``), and is started before the clock. Time per impression is compared
with the smallest log of the same engine and form in the same call.
"""

import argparse
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from clickthrough.config.features import Counters
from clickthrough.features.columns import KeySet
from clickthrough.features.engines import SparkEngine
from clickthrough.features.history.stage import HistoryStage

DAYS, CHUNK = 14, 1_000_000
# distinct values of each field, for every million impressions where it grows with the log
FIELDS = {"item": 20_000, "campaign": 3_000, "advertiser": 400, "page": 30_000, "place": 300}
USERS_PER_MILLION = 150_000
KEYS = [
    ("item",), ("campaign",), ("advertiser",), ("page",), ("user",),
    ("place", "item"), ("place", "advertiser"), ("page", "advertiser"),
    ("user", "advertiser"), ("user", "item"),
]  # fmt: skip
FORMS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "all": ((), ()),
    "decayed": ((), (6 * 3_600,)),
    "sliding": ((86_400,), ()),
}


def write_log(path: Path, impressions: int, seed: int = 7) -> None:
    """Write a time-sorted log with skewed fields, in row groups of a million."""
    rng = np.random.default_rng(seed)
    folder = path.with_suffix("")
    folder.mkdir()
    for start in range(0, impressions, CHUNK):
        rows = min(CHUNK, impressions - start)
        low, high = (start / impressions, (start + rows) / impressions)
        time_of = np.sort(rng.uniform(low, high, rows)) * DAYS * 86_400e6
        kinds = FIELDS | {"user": max(1, USERS_PER_MILLION * impressions // 1_000_000)}
        # cubing a uniform number leaves few values with most of the rows, as in real logs
        fields = {n: (k * rng.random(rows) ** 3).astype(np.int64) for n, k in kinds.items()}
        label = (rng.random(rows) < 0.1).astype(np.int8)
        number = np.arange(start, start + rows)
        frame = pl.DataFrame(
            {"row": number, "time": time_of.astype(np.int64), "label": label, **fields}
        )
        frame.write_parquet(folder / f"{start:012d}.parquet")
    pl.scan_parquet(folder / "*.parquet").sink_parquet(path)


def run_one(log: Path, engine: str, form: str, master: str) -> None:
    """Compute all passes in this process, and print seconds and peak memory in GB."""
    if engine == "spark":  # the stage takes the session that is there
        SparkEngine(master)
    windows, half_lives = FORMS[form]
    key_sets = tuple(KeySet(key, windows, half_lives) for key in KEYS)
    with tempfile.TemporaryDirectory(dir=log.parent) as folder:
        stage = HistoryStage(Path(folder), log, Counters(), engine)  # type: ignore[arg-type]
        start = time.perf_counter()
        made = stage.columns(key_sets, ())
        seconds = time.perf_counter() - start
        clicks = made[0].select(pl.col("item:clicks").max()).collect().item()
    if engine == "spark":
        end_of_spark()
    peak = max(resource.getrusage(who).ru_maxrss for who in
               (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))  # fmt: skip
    print(f"{seconds} {peak / 1e6} {clicks}")


def end_of_spark() -> None:
    """End Spark's Java process: what it held at most is known once it is over."""
    from pyspark import SparkContext

    context: Any = SparkContext
    gateway = context._gateway
    context._active_spark_context.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 5])
    parser.add_argument("--engines", nargs="+", default=["polars", "duckdb"])
    parser.add_argument("--forms", nargs="+", default=["all"], choices=FORMS)
    parser.add_argument("--master", default="local[2]", help="what Spark runs on")
    parser.add_argument("--one", nargs=3, metavar=("LOG", "ENGINE", "FORM"))
    chosen = parser.parse_args()
    if chosen.one:
        log_file, engine, form = chosen.one
        run_one(Path(log_file), engine, form, chosen.master)
        return
    counts, ratios = ["impressions", "seconds", "impressions/s"], ["time per row", "peak GB"]
    title = f"ten key sets, {platform.machine()}"
    table = Table("form", "engine", *counts, *ratios, title=title)
    with tempfile.TemporaryDirectory() as folder:
        for form in chosen.forms:
            smallest: dict[str, float] = {}
            for millions in chosen.millions:
                log = Path(folder) / f"{millions}.parquet"
                rows = int(millions * 1_000_000)
                if not log.exists():
                    write_log(log, rows)
                for engine in chosen.engines:
                    command = [sys.executable, __file__, "--one", str(log), engine, form]
                    command += ["--master", chosen.master]
                    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
                    seconds, peak = map(float, done.stdout.split()[-3:-1])
                    per_row = seconds / rows
                    first = smallest.setdefault(engine, per_row)
                    figures = f"{seconds:.1f}", f"{rows / seconds:,.0f}", f"{per_row / first:.2f} x"
                    table.add_row(form, engine, f"{rows:,}", *figures, f"{peak:.1f}")
                    print(form, engine, rows, *figures, f"{peak:.1f} GB", flush=True)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
