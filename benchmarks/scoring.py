"""Predictor: raw fields to calibrated probabilities, in process.

    taskset -c 0 python benchmarks/scoring.py --rows 1 100 500
    taskset -c 0 python benchmarks/scoring.py --log models demo --log ebnerd_models ebnerd

With ``--log BUNDLE DATA`` requests are those of the bundle's log, the later half of its test part,
with the events of the other half counted: one impression with all its fields, the display as it
was, with what displays share in the context, and 100 candidates drawn from all displays; where the
bundle holds side tables, also by ids alone. Else:

One row is an impression with all its fields; 100 and 500 are the candidates of one request. Every
request is new, its values drawn from vocabularies of 100,000: evenly (skew 1), or with a skew of 3
as u^3 of an even u. 20,000 events were counted before. The figures are those of the best of several
rounds: what else runs on the machine only ever adds.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
from real_requests import Raw, displays_of, ids_alone, with_candidates
from rich.console import Console
from rich.table import Table
from served_bundle import Requests, make_bundle, random_inputs
from stages import STAGES, by_stage

from clickthrough import Predictor

Runtime = Literal["onnx", "openvino"]
Call = Callable[[], object]
ROUNDS = 5
MOST_OF_MANY = 1_000
"""Requests of 100 candidates."""


def filled(bundle: Path, store: str | Path, runtime: Runtime | None = None) -> Predictor:
    """Return a predictor whose store has counted events."""
    predictor = Predictor.load(bundle, store, runtime=runtime)
    events = Requests(seed=9, skew=3.0).events(20_000)
    for start in range(0, len(events), 2_000):
        predictor.observe(events[start : start + 2_000])
    predictor.warm_up()
    return predictor


def timed(calls: Iterable[Callable[[], object]]) -> tuple[float, float]:
    """Return p50 and p99 in ms, each the least of several rounds of different calls."""
    rounds = []
    for some in batched(calls):
        waits = []
        for call in some:
            start = time.perf_counter()
            call()
            waits.append((time.perf_counter() - start) * 1e3)
        rounds.append(np.percentile(waits, [50, 99]))
    p50, p99 = np.min(rounds, axis=0)
    return float(p50), float(p99)


def batched(calls: Iterable[Callable[[], object]]) -> Iterator[list[Callable[[], object]]]:
    """Divide calls into rounds."""
    made = list(calls)
    size = len(made) // ROUNDS
    yield from (made[start : start + size] for start in range(0, size * ROUNDS, size))


def calls_of(predictor: Predictor, rows: int, skew: float) -> list[Callable[[], object]]:
    """Return calls that score so many rows; no request comes twice."""
    made: list[Callable[[], object]] = []
    requests = Requests(seed=rows, skew=skew)
    for _ in range(ROUNDS * max(100, 500 // rows)):
        if rows == 1:
            made.append(partial(predictor.predict, [requests.impression()]))
        else:
            made.append(partial(predictor.rank, *requests.request(rows)))
    return made


def graph_alone(predictor: Predictor, rows: int) -> float:
    """Return the p50 in ms of the model's graph alone."""
    inputs = random_inputs(predictor.bundle.encoder, rows)
    return timed([partial(predictor.bundle.model.logits, inputs)] * 500)[0]


def _by_ids(
    predictor: Predictor, first: list[Raw], many: list[tuple[Raw, list[Raw]]]
) -> list[tuple[str, int, list[Call]]]:
    """Return the same calls of those who leave to side tables what these hold."""
    if not predictor.bundle.sides:
        return []
    short = partial(ids_alone, predictor.bundle)
    rows = [short(row) for row in first]
    asked = [(short(context), [*map(short, own)]) for context, own in many]
    return [
        ("one impression, by ids", 1, [partial(predictor.predict, [row]) for row in rows]),
        ("100 candidates, by ids", 100, [partial(predictor.rank, *own) for own in asked]),
    ]


def real(places: list[list[Path]]) -> None:
    """Measure requests of logs."""
    table = Table("bundle", "request", "requests", "p50 ms", "p99 ms", "graph alone p50 ms")
    spent: dict[str, dict[str, float]] = {}
    for bundle, log in places:
        predictor = Predictor.load(bundle)
        displays = displays_of(predictor.bundle, log)
        half = len(displays) // 2
        for display in displays[:half]:
            predictor.observe(display.events)
        predictor.warm_up()
        asked = displays[half:]
        rng = np.random.default_rng(1)
        first = [{**display.context, **display.candidates[0]} for display in asked]
        many = with_candidates(asked, 100, rng)[:MOST_OF_MANY]
        sizes = [len(display.candidates) for display in asked]
        typical = int(np.median(sizes))
        kinds: list[tuple[str, int, list[Call]]] = [
            ("one impression", 1, [partial(predictor.predict, [row]) for row in first]),
            (
                f"its display, {np.mean(sizes):.1f} candidates",
                typical,
                [partial(predictor.rank, own.context, own.candidates) for own in asked],
            ),
            ("100 candidates", 100, [partial(predictor.rank, *own) for own in many]),
            *_by_ids(predictor, first, many),
        ]
        for name, rows, calls in kinds:
            figures = *timed(calls), graph_alone(predictor, rows)
            said = [f"{figure:.3f}" for figure in figures]
            table.add_row(bundle.name, name, str(len(calls)), *said)
            spent[f"{bundle.name}, {name}"] = by_stage(calls[:MOST_OF_MANY])
        predictor.close()
    Console(width=110).print(table)
    Console(width=110).print(stage_table(spent))


def stage_table(spent: Mapping[str, Mapping[str, float]]) -> Table:
    """Return a column a kind of request: the mean milliseconds of each stage."""
    table = Table("stage, ms", *spent)
    for stage in STAGES:
        table.add_row(stage, *(f"{own[stage]:.3f}" for own in spent.values()))
    table.add_row("together", *(f"{sum(own.values()):.3f}" for own in spent.values()))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 100, 500])
    parser.add_argument("--bundle", type=Path, help="made before, and kept")
    parser.add_argument("--stores", nargs="+", default=["memory", "SQLite"])
    parser.add_argument("--runtimes", nargs="+", default=["onnx"])
    parser.add_argument("--skews", type=float, nargs="+", default=[1.0, 3.0])
    parser.add_argument("--log", nargs=2, action="append", type=Path, metavar=("BUNDLE", "DATA"))
    chosen = parser.parse_args()
    if chosen.log:
        real(chosen.log)
        return
    table = Table("runtime", "store", "skew", "rows", "p50 ms", "p99 ms", "graph alone p50 ms")
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle or make_bundle(Path(folder))
        for runtime in chosen.runtimes:
            for store in chosen.stores:
                place = "memory" if store == "memory" else Path(folder) / f"{runtime}.sqlite"
                predictor = filled(bundle, place, runtime)
                for skew, rows in product(chosen.skews, chosen.rows):
                    figures = timed(calls_of(predictor, rows, skew))
                    said = [f"{figure:.3f}" for figure in (*figures, graph_alone(predictor, rows))]
                    table.add_row(runtime, store, f"{skew:g}", str(rows), *said)
                predictor.close()
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
