"""The online store: events in, states of candidates out.

    python benchmarks/store.py --events 100_000 --key-sets 3 10

Key sets of all-time and one half-life, each event an impression or its click. Events are
recorded in batches, each durable when it is acknowledged (SQLite, synchronous = FULL); then the
keys of 100
candidates are read from the filled store, all key sets, as scoring does.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from clickthrough.config.features import Counter, Counters, Feature
from clickthrough.config.serving import Serving
from clickthrough.features.history.keys import coded_fields
from clickthrough.features.history.online import online_histories
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import make_plan
from clickthrough.features.rows import RowParser
from clickthrough.schema import Schema
from clickthrough.store import MemoryStore, Store, open_store
from clickthrough.store.sqlite import SQLiteStore
from clickthrough.streaming.recorder import Recorder, Source

FIELDS = {"item": 20_000, "campaign": 3_000, "advertiser": 400, "page": 30_000, "place": 300,
          "user": 150_000}  # fmt: skip
KEYS = [
    ["item"], ["campaign"], ["advertiser"], ["page"], ["user"],
    ["place", "item"], ["place", "advertiser"], ["page", "advertiser"],
    ["user", "advertiser"], ["user", "item"],
]  # fmt: skip
SCHEMA = Schema(
    roles={"request_id": "request_id", "time": "time", "user": "user", "item": "item",
           "label": "label"},
    fields={"request_id": "int", **dict.fromkeys(FIELDS, "int")},
)  # fmt: skip
CANDIDATES, READS, CLICKED = 100, 500, 0.1


def events(rng: np.random.Generator, count: int, batch: int) -> Iterator[list[dict[str, object]]]:
    """Yield batches of impressions, a tenth of them with their click."""
    made: list[dict[str, object]] = []
    second = 1_700_000_000
    for number in range(count):
        row = {name: int(kinds * rng.random() ** 3) for name, kinds in FIELDS.items()}
        second += number % 50 == 0
        shown = {"request_id": number, "item": row["item"]}
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        made.append({"type": "impression", **row, **shown, "time": moment})
        if rng.random() < CLICKED:
            made.append({"type": "click", **shown, "time": moment})
        if len(made) >= batch:
            yield made
            made = []


def measure(
    name: str, store: Store, batches: list[list[dict[str, object]]], keys: list[list[str]]
) -> list[str]:
    """Record all batches, then read the keys of candidates; return a row of the table."""
    features: list[Feature] = [Counter(kind="counter", key=key, half_lives=["6h"]) for key in keys]
    plan = make_plan(features, Counters(), SCHEMA, "UTC")
    histories = online_histories(plan, SCHEMA, {k.name: Snapshot.of({}) for k in plan.key_sets})
    parser = RowParser(SCHEMA, [*FIELDS])
    recorder = Recorder([Source(parser, histories)], store, Serving())
    start = time.perf_counter()
    for batch in batches:
        recorder.record(batch)
    rate = sum(map(len, batches)) / (time.perf_counter() - start)
    rng, waits, alone = np.random.default_rng(1), [], []
    for _ in range(READS):
        shared = {n: int(k * rng.random() ** 3) for n, k in FIELDS.items() if n != "item"}
        rows = [{**shared, "item": int(i)} for i in 20_000 * rng.random(CANDIDATES) ** 3]
        parsed = parser.parse(rows, 1_700_010_000_000_000)
        ticks = parsed.time // 600_000_000
        of = coded_fields(parsed.values, FIELDS)
        asked = [key for h in histories for key in h.form.distinct(of).parts]
        start = time.perf_counter()
        store.read(asked)
        alone.append(time.perf_counter() - start)
        start = time.perf_counter()
        for history in histories:
            history.read(store, parsed.values, ticks)
        waits.append(time.perf_counter() - start)
    figures = [np.percentile(part, q) * 1e3 for part in (alone, waits) for q in (50, 99)]
    return [name, str(len(keys)), f"{rate:,.0f}", *(f"{figure:.2f}" for figure in figures)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--key-sets", type=int, nargs="+", default=[3, 10])
    parser.add_argument("--redis", help="the URL of a server, as CTR_STORE has it; it is filled")
    chosen = parser.parse_args()
    batches = list(events(np.random.default_rng(7), chosen.events, chosen.batch))
    waits = ["keys read p50 ms", "p99", "history columns p50 ms", "p99"]
    title = f"{CANDIDATES} candidates, batches of {chosen.batch:,} events"
    table = Table("store", "key sets", "events/s", *waits, title=title)
    for sets in chosen.key_sets:
        keys = KEYS[:: max(1, len(KEYS) // sets)][:sets]
        with tempfile.TemporaryDirectory() as folder:
            table.add_row(*measure("memory", MemoryStore(), batches, keys))
            store = SQLiteStore(Path(folder) / "s.sqlite")
            table.add_row(*measure("SQLite", store, batches, keys))
        if chosen.redis:
            shared = open_store(chosen.redis)
            name = f"Redis, kept: {shared.durability}"
            table.add_row(*measure(name, shared, batches, keys))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
