"""From a log to the counters that a bundle starts with."""

import numpy as np
import polars as pl

from clickthrough.config.features import Counters
from clickthrough.features.history.online import key_bytes
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.state import StateLayout, add_events
from clickthrough.features.history.ticks import in_ticks
from clickthrough.features.plan import KeySet


def build_snapshot(events: pl.LazyFrame, key_set: KeySet, counters: Counters) -> Snapshot:
    """Count all labelled events into states, as the online side would have."""
    keys = list(key_set.fields)
    tick = (pl.col("time") // (counters.tick * 1_000_000)).alias("__tick")
    summed = (
        events.filter(pl.col("label").is_not_null(), *(pl.col(key).is_not_null() for key in keys))
        .group_by(*keys, tick)
        .agg(__n=pl.len().cast(pl.Float64), __c=pl.col("label").cast(pl.Float64).sum())
        .sort(*keys, "__tick")
        .collect()
    )
    unique = summed.select(keys).unique(maintain_order=True)
    rows = summed.select(pl.struct(keys).rle_id()).to_series().to_numpy().astype(np.int64)
    layout = StateLayout(in_ticks(key_set.half_lives, counters.tick), counters.delay_ticks)
    states = layout.empty(unique.height)
    ticks = summed["__tick"].cast(pl.Float64).to_numpy()
    add_events(layout, states, rows, ticks, summed.select("__n", "__c").to_numpy())
    return Snapshot.of([key_bytes(key_set.name, key) or b"" for key in unique.iter_rows()], states)
