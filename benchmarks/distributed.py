"""Throughput of two processes beside one: tables replicated, tables sharded, a thread each.

    python benchmarks/distributed.py --rows 1000000 --repeats 5

The log and model of training.py; the global batch is the same whoever shares it. Contestants are
launched one after another, ``--repeats`` times round; each trains some steps to warm up and then
``STEPS`` more. Ratios to one process are medians over rounds, with their range: of samples a
second, which needs an idle core for each process to mean anything, and of samples a second of
processor, which tells what sharing costs on a busy machine, too.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
from training_data import BATCH, DIM, FIELDS, HIDDEN, NUMERIC, made_log

from clickthrough.config.model import Mlp
from clickthrough.config.training import Training
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.registry import build_model
from clickthrough.models.shape import InputShape
from clickthrough.training.distributed.join import group_of_process, joined, leave
from clickthrough.training.optim.loop import train_model
from clickthrough.training.rows.table import Table

WARMING, STEPS = 4, 20
CONTESTANTS = {
    "1 process": (1, "replicated"),
    "2 processes, replicated": (2, "replicated"),
    "2 processes, sharded": (2, "sharded"),
}


class Done(Exception):  # noqa: N818
    """Enough steps were taken."""


def work(rows: int, tables: str) -> None:
    """Train, and let the leader print the seconds, and those of all processors."""
    size = rows // FIELDS
    log = made_log(size, 1.05)
    nothing = np.empty((len(log.labels), 0))
    encoded = Encoded(log.ids, log.numeric, nothing.astype(np.int32), nothing.astype(np.float32))
    train = Table(encoded, log.labels, np.arange(len(log.labels) + 1), {})
    torch.manual_seed(1)
    model = build_model(
        Mlp(embedding_dim=DIM, hidden=list(HIDDEN)), InputShape.of((size,) * FIELDS, NUMERIC)
    )
    settings = Training.model_validate(
        {"batch_size": BATCH, "epochs": 10**6, "patience": 10**6, "tables": tables,
         "device": "cpu", "least_steps": 1}
    )  # fmt: skip
    steps, start, used = 0, 0.0, 0.0

    def progress(epoch: int, done: int, total: int) -> None:
        nonlocal steps, start, used
        steps += 1
        if steps == WARMING:
            start, used = time.perf_counter(), time.process_time()
        if steps == WARMING + STEPS:
            raise Done

    try:
        train_model(model, train, train, settings, progress)
    except Done:
        seconds = time.perf_counter() - start
        processor = torch.tensor(time.process_time() - used)
        group = group_of_process()
        group.add(processor)
        if group.leads:
            print(seconds, float(processor))


def launched(processes: int, rows: int, tables: str) -> tuple[float, float]:
    """Return samples a second of some processes, by the clock and by their processors' time."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    made = subprocess.run(  # noqa: S603
        [*launcher, "--nproc-per-node", str(processes), __file__, "--work", tables,
         "--rows", str(rows)],
        env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, processor = map(float, made.stdout.split())
    return BATCH * STEPS / seconds, BATCH * STEPS / processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        with joined():
            work(chosen.rows, chosen.work)
        leave()
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTESTANTS}
    for _ in range(chosen.repeats):
        for name, (processes, tables) in CONTESTANTS.items():
            rates[name].append(launched(processes, chosen.rows, tables))
    print(
        f"{chosen.rows:,} rows of tables, batch {BATCH}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}, torch {torch.__version__}"
    )
    for name, found in rates.items():
        wall, processor = (
            [one[k] / alone[k] for one, alone in zip(found, rates["1 process"], strict=True)]
            for k in (0, 1)
        )
        print(
            f"{name:24} {statistics.median(rate for rate, _ in found):8,.0f} samples/s: "
            f"x{statistics.median(wall):.2f} ({min(wall):.2f} to {max(wall):.2f}); "
            f"a second of processor: x{statistics.median(processor):.2f} "
            f"({min(processor):.2f} to {max(processor):.2f})"
        )


if __name__ == "__main__":
    main()
