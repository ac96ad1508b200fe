"""From a log to the counters and sequences that a bundle starts with."""

import numpy as np
import polars as pl

from clickthrough.config.features import Counters
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.history.counters import state_layout
from clickthrough.features.history.keys import key_bytes
from clickthrough.features.history.sequences import SequenceHistory
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import Plan
from clickthrough.schema import Schema


def build_snapshots(
    events: pl.LazyFrame,
    seeds: pl.LazyFrame | None,
    plan: Plan,
    schema: Schema,
    views: pl.LazyFrame | None = None,
) -> dict[str, Snapshot]:
    """Count all labelled events, as the online side would have.

    Args:
        events: impressions.
        seeds: a given history of ``user``, ``time`` and ``item``, for sequences.
        plan: what is counted.
        schema: the log's columns.
        views: page views, each of which counts as shown and clicked.

    Returns:
        Snapshots by the names of their key sets and sequence sets.
    """
    viewed = events.head(0) if views is None else views.with_columns(label=pl.lit(1, pl.Int8))
    made: dict[str, Snapshot] = {}
    for k in plan.key_sets:
        source = viewed if k.of == "views" else events
        made[k.name] = build_counters(source, k, plan.counters)
    for s in plan.sequence_sets:
        source = viewed if s.of == "views" else events
        made[s.name] = build_sequences(source, seeds, s, schema, plan.counters)
    return made


def build_counters(events: pl.LazyFrame, key_set: KeySet, counters: Counters) -> Snapshot:
    """Return the states of one key set after all labelled events."""
    keys = list(key_set.fields)
    tick = (pl.col("time") // (counters.tick * 1_000_000)).alias("__tick")
    summed = (
        events.filter(*(pl.col(name).is_not_null() for name in [*keys, "label"]))
        .group_by(*keys, tick)
        .agg(__n=pl.len().cast(pl.Float64), __c=pl.col("label").cast(pl.Float64).sum())
        .sort(*keys, "__tick")
        .collect()
    )
    unique = summed.select(keys).unique(maintain_order=True)
    rows = summed.select(pl.struct(keys).rle_id()).to_series().to_numpy().astype(np.int64)
    layout = state_layout(key_set, counters)
    ticks = summed["__tick"].cast(pl.Float64).to_numpy()
    counts = summed.select("__n", "__c").to_numpy()
    states = layout.add(layout.empty(unique.height), rows, ticks, counts)
    named = [key_bytes(key_set.name, key) or b"" for key in unique.iter_rows()]
    return Snapshot.of(dict(zip(named, layout.pack(states), strict=True)))


def build_sequences(
    events: pl.LazyFrame,
    seeds: pl.LazyFrame | None,
    sequence: SequenceSet,
    schema: Schema,
    counters: Counters,
) -> Snapshot:
    """Return the last clicks of each key after all events, and what was given before them."""
    keys, field = list(sequence.key), sequence.field
    needed = [*keys, "time", pl.col(field).alias("__value")]
    clicks = events.filter(pl.col("label") == 1).select(needed)
    seeded = sequence.of == "impressions" and {*keys, field} <= {"user", "item"}
    if seeds is not None and seeded:
        clicks = pl.concat([clicks, seeds.select(needed)])
    clicks = clicks.filter(*(pl.col(name).is_not_null() for name in [*keys, "__value"]))
    listed = clicks.group_by(keys).agg(pl.struct("time", "__value").alias("__clicks")).collect()
    history = SequenceHistory(sequence, schema, counters, Snapshot.of({}))
    states: dict[bytes, bytes] = {}
    for *key, entries in listed.iter_rows():
        named = key_bytes(sequence.name, key) or b""
        states[named] = history.pack((entry["time"], entry["__value"]) for entry in entries)
    return Snapshot.of(states)
