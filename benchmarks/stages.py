"""Where the time of a request goes, by stage: for scoring.py.

Methods are wrapped while it is measured, each with a clock that stops while a stage within it
runs. The clocks themselves take some tenths of a microsecond a call, so that stages of many short
calls look a little longer than they are.
"""

import importlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

STAGES: dict[str, list[str]] = {
    "fields read and checked": ["features.rows:RowParser.parse_request",
                                "features.rows:RowParser.parse_each"],
    "fields as arrays": ["features.rows:Rows.columns"],
    "keys": ["features.history.online:coded_fields", "features.history.keys:KeyForm.distinct"],
    "store": ["store.memory:MemoryStore.read"],
    "snapshots": ["features.history.snapshot:Snapshot.read"],
    "counters": ["features.history.counters:CounterQueries.columns"],
    "sequences": ["features.history.sequences:SequenceHistory.columns"],
    "history, the rest": ["features.history.online:Histories.read"],
    "ids": ["features.encoding.lookup:IdEncoder.encode"],
    "numbers": ["features.encoding.numeric:NumericProgram.values",
                "features.encoding.encoder:Encoder.scale"],
    "cosines": ["features.encoding.numeric:cosines"],
    "bags": ["features.encoding.encoder:Encoder.bags"],
    "graph": ["bundle.runtime:OnnxModel.logits"],
    "calibration": ["calibration.base:Curve.logit"],
    "findings": ["serving.findings:Finder.find"],
    "the rest": ["serving.scorer:Scorer.rank", "serving.scorer:Scorer.predict_each"],
}  # fmt: skip
"""Stage -> what it is made of: module and name."""


def by_stage(calls: Iterable[Callable[[], object]]) -> dict[str, float]:
    """Return the mean milliseconds of a call that each stage takes."""
    some = list(calls)
    with _clocked() as spent:
        for call in some:
            call()
    return {stage: 1e3 * seconds / len(some) for stage, seconds in spent.items()}


@contextmanager
def _clocked() -> Iterator[dict[str, float]]:
    spent = dict.fromkeys(STAGES, 0.0)
    running = [""]
    since = time.perf_counter()

    def switch(stage: str) -> None:
        nonlocal since
        now = time.perf_counter()
        if running[-1]:
            spent[running[-1]] += now - since
        if stage:
            running.append(stage)
        else:
            running.pop()
        since = now

    def clocked(stage: str, own: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - as the function has it
            switch(stage)
            try:
                return own(*given, **named)
            finally:
                switch("")

        return run

    undone: list[tuple[object, str, Any]] = []
    try:
        for stage, names in STAGES.items():
            for place in names:
                holder, name = _holder(place)
                own = getattr(holder, name)
                undone.append((holder, name, own))
                setattr(holder, name, clocked(stage, own))
        yield spent
    finally:
        for holder, name, own in undone:
            setattr(holder, name, own)


def _holder(place: str) -> tuple[object, str]:
    """Return the module or class that has what is named."""
    module, _, path = place.partition(":")
    *within, name = path.split(".")
    holder: object = importlib.import_module(f"clickthrough.{module}")
    for step in within:
        holder = getattr(holder, step)
    return holder, name
