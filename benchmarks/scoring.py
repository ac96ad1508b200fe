"""Predictor: raw fields to calibrated probabilities, in process.

    taskset -c 0 python benchmarks/scoring.py --rows 1 100 500

One row is an impression with all its fields; 100 and 500 are the candidates of one request. Values
are drawn evenly from vocabularies of 100,000, and 20,000 events were counted before. The medians
are those of the best of several rounds: what else runs on the machine only ever adds.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from served_bundle import Requests, make_bundle

from clickthrough import Predictor
from clickthrough.features.encoding.encoder import Encoded

ROUNDS = 5


def filled(bundle: Path, store: str | Path, **options: str) -> Predictor:
    """Return a predictor whose store has counted events."""
    predictor = Predictor.load(bundle, store, **options)
    events = Requests(seed=9, skew=3.0).events(20_000)
    for start in range(0, len(events), 2_000):
        predictor.observe(events[start : start + 2_000])
    predictor.warm_up()
    return predictor


def timed(calls: list[Callable[[], object]]) -> tuple[float, float]:
    """Return p50 and p99 in ms, each the least of several rounds."""
    rounds = []
    for _ in range(ROUNDS):
        waits = []
        for call in calls:
            start = time.perf_counter()
            call()
            waits.append((time.perf_counter() - start) * 1e3)
        rounds.append(np.percentile(waits, [50, 99]))
    p50, p99 = np.min(rounds, axis=0)
    return float(p50), float(p99)


def calls_of(predictor: Predictor, rows: int, skew: float) -> list[Callable[[], object]]:
    """Return calls that score different requests of so many rows."""
    made, requests = [], Requests(seed=rows, skew=skew)
    for _ in range(max(100, 1_000 // rows)):
        if rows == 1:
            body = [requests.impression()]
            made.append(lambda body=body: predictor.predict(body))
        else:
            asked = requests.request(rows)
            made.append(lambda asked=asked: predictor.rank(*asked))
    return made


def graph_alone(predictor: Predictor, rows: int) -> float:
    """Return the p50 in ms of the model's graph alone."""
    shape = predictor.bundle.encoder
    rng = np.random.default_rng(2)
    inputs = Encoded(
        rng.integers(0, 90_000, (rows, len(shape.id_sizes))).astype(np.int32),
        rng.normal(size=(rows, len(shape.numeric_names))).astype(np.float32),
        np.empty((rows, 0), np.int32),
        np.empty((rows, 0), np.float32),
    )
    return timed([lambda: predictor.bundle.model.logits(inputs)] * 100)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 100, 500])
    parser.add_argument("--bundle", type=Path, help="made before, and kept")
    parser.add_argument("--stores", nargs="+", default=["memory", "SQLite"])
    parser.add_argument("--runtimes", nargs="+", default=["onnx"])
    parser.add_argument("--skew", type=float, default=1.0)
    chosen = parser.parse_args()
    table = Table("runtime", "store", "rows", "p50 ms", "p99 ms", "graph alone p50 ms")
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle or make_bundle(Path(folder))
        for runtime in chosen.runtimes:
            for store in chosen.stores:
                place = "memory" if store == "memory" else Path(folder) / f"{runtime}.sqlite"
                options = {} if runtime == "onnx" else {"runtime": runtime}
                predictor = filled(bundle, place, **options)
                for rows in chosen.rows:
                    figures = timed(calls_of(predictor, rows, chosen.skew))
                    said = [f"{figure:.3f}" for figure in (*figures, graph_alone(predictor, rows))]
                    table.add_row(runtime, store, str(rows), *said)
                predictor.close()
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
