"""Training throughput: the full step beside its dense part alone, at several table sizes.

    python benchmarks/training.py --rows 100000 1000000 10000000 --repeats 15
    python benchmarks/training.py --models mlp dcn_v2 --rows 100000 10000000 --precisions fp32

30 categorical fields with Zipf ids, 10 numeric, dimension 16, batch 4096; otherwise each family has
its own settings (``mlp``: 512-256-128). The dense part is the family's network on rows that are
ready. Each contestant is a process that trains 4 steps when it is its turn and sleeps otherwise;
turns go round ``--repeats`` times after two rounds of warming up. Ratios are medians over rounds,
so that what else the machine does meets all alike. ``--fuxictr`` names a Python that has FuxiCTR,
whose DNN stands beside ``mlp`` (see training_fuxictr.py for what it needs).
"""

import argparse
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from training_data import BATCH, STEPS

HERE = Path(__file__).parent
WARMING = 2
DENSE = "dense part alone"
Speeds = NDArray[np.float64]


class Contestant:
    """A process that takes turns.

    Args:
        command: what it runs.
        threads: that it may use.
    """

    def __init__(self, command: list[str], threads: int) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(  # noqa: S603
            [*command, "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._running = True

    def turn(self) -> float:
        """Return samples a second of the next steps."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if not self._running:
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
        self._running = False
        return BATCH * STEPS / float(self._process.stdout.readline())

    def end(self) -> None:
        """Let it go."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def contestants(chosen: argparse.Namespace) -> dict[str, list[str]]:
    """Return name -> command."""
    ours = [sys.executable, str(HERE / "training_ours.py")]
    tail = ["--exponent", str(chosen.exponent), "--clock", chosen.clock]
    commands = {}
    for model, precision in product(chosen.models, chosen.precisions):
        kind = ["--model", model, "--precision", precision]
        commands[f"{model}, {DENSE}, {precision}"] = [*ours, "dense", *kind, *tail]
        for rows in chosen.rows:
            name = f"{model}, full step on {rows:,} rows, {precision}"
            commands[name] = [*ours, "full", "--rows", str(rows), *kind, *tail]
    rival = [chosen.fuxictr, str(HERE / "training_fuxictr.py"), *tail]
    for rows in chosen.fuxictr_rows if chosen.fuxictr else ():
        commands[f"mlp, FuxiCTR on {rows:,} rows, fp32"] = [*rival, "--rows", str(rows)]
    return commands


def rounds(commands: dict[str, list[str]], repeats: int, threads: int) -> dict[str, Speeds]:
    """Return samples a second by contestant, one a round."""
    speeds: dict[str, list[float]] = {name: [] for name in commands}
    running: dict[str, Contestant] = {}
    for name, command in commands.items():  # one at a time: each makes its log first
        running[name] = Contestant(command, threads)
        running[name].turn()
    for _ in range(WARMING + repeats):
        for name, contestant in running.items():
            speeds[name].append(contestant.turn())
    for contestant in running.values():
        contestant.end()
    return {name: np.array(found[WARMING:]) for name, found in speeds.items()}


def report(speeds: dict[str, Speeds], smallest: int) -> Table:
    """Return a line a contestant: its speed, and ratios taken within each round."""
    head = ("contestant", "samples/s", "quartiles", "of dense", f"slower than {smallest:,} rows")
    table = Table(*head, title="training throughput")
    for name, found in speeds.items():
        model, _, precision = name.rsplit(", ", 2)
        dense = np.median(found / speeds[f"{model}, {DENSE}, {precision}"])
        small = f"{model}, full step on {smallest:,} rows, {precision}"
        slower = f"{np.median(speeds[small] / found):.2f}" if small in speeds else "-"
        low, high = np.quantile(found, [0.25, 0.75])
        quartiles = f"{low:,.0f} to {high:,.0f}"
        table.add_row(name, f"{np.median(found):,.0f}", quartiles, f"{dense:.2f}", slower)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--models", nargs="+", default=["mlp"])
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--exponent", type=float, default=1.05, help="of Zipf's law")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fuxictr", help="a Python that has FuxiCTR")
    parser.add_argument("--fuxictr-rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    chosen = parser.parse_args()
    speeds = rounds(contestants(chosen), chosen.repeats, chosen.threads)
    Console(width=120).print(report(speeds, min(chosen.rows)))


if __name__ == "__main__":
    main()
