"""From a log to the counters and sequences that a bundle starts with.

The keys are worked on in parts, so that memory does not grow with the log.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.config.features import Counters
from clickthrough.dealt import dealt
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.history.counters import state_layout
from clickthrough.features.history.keys import keys_bytes
from clickthrough.features.history.sequences import SequenceHistory
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.history.snapshot_builder import Batch, SnapshotBuilder
from clickthrough.features.plan import Plan
from clickthrough.features.table import request_chunks
from clickthrough.schema import Schema

_TICK, _VALUE = "__tick", "__value"
_BATCH = 100_000
"""About so many sums or clicks become states at once."""


def build_snapshots(
    events: pl.LazyFrame,
    seeds: pl.LazyFrame | None,
    plan: Plan,
    schema: Schema,
    views: pl.LazyFrame | None = None,
    folder: Path | None = None,
) -> dict[str, Snapshot]:
    """Count all labelled events, as the online side would have.

    Args:
        events: impressions.
        seeds: a given history of ``user``, ``time`` and ``item``, for sequences.
        plan: what is counted.
        schema: the log's columns.
        views: page views, each of which counts as shown and clicked.
        folder: where there is room for files without a name; without one the snapshots are held.

    Returns:
        Snapshots by the names of their key sets and sequence sets.

    Raises:
        DataError: the disk is full.
    """
    viewed = events.head(0) if views is None else views.with_columns(label=pl.lit(1, pl.Int8))
    made: dict[str, Snapshot] = {}
    for k in plan.key_sets:
        source = viewed if k.of == "views" else events
        made[k.name] = build_counters(source, k, plan.counters, folder)
    for s in plan.sequence_sets:
        source = viewed if s.of == "views" else events
        made[s.name] = build_sequences(source, seeds, s, schema, plan.counters, folder)
    return made


def build_counters(
    events: pl.LazyFrame, key_set: KeySet, counters: Counters, folder: Path | None = None
) -> Snapshot:
    """Return the states of one key set after all labelled events."""
    keys = list(key_set.fields)
    tick = (pl.col("time") // (counters.tick * 1_000_000)).alias(_TICK)
    known = events.filter(*(pl.col(name).is_not_null() for name in [*keys, "label"]))
    builder = SnapshotBuilder(folder)
    for some in dealt(known.select(*keys, tick, "label"), keys, folder):
        counted = some.group_by(*keys, _TICK).agg(
            __n=pl.len().cast(pl.Float64), __c=pl.col("label").cast(pl.Float64).sum()
        )
        summed = counted.sort(*keys, _TICK).collect(engine="streaming")
        for batch in counter_states(summed, key_set, counters):
            builder.add(batch)
    return Snapshot(*builder.sorted())


def counter_states(summed: pl.DataFrame, key_set: KeySet, counters: Counters) -> Iterator[Batch]:
    """Yield the states of some keys.

    Args:
        summed: the fields of each key, ``__tick``, and the impressions and clicks of both,
            ``__n`` and ``__c``; by key and tick.
        key_set: the key, its windows and half-lives.
        counters: tick, delay.
    """
    layout = state_layout(key_set, counters)
    for rows, starts in _of_whole_keys(summed, key_set.fields):
        ticks = rows[_TICK].cast(pl.Float64).to_numpy()
        own = np.arange(len(starts) - 1).repeat(np.diff(starts))
        counts = rows.select("__n", "__c").to_numpy()
        states = layout.add(layout.empty(len(starts) - 1), own, ticks, counts)
        sizes, numbers = layout.joined(states)
        named = _named(rows, starts, key_set.name, key_set.fields)
        yield Batch(named, sizes, numbers.view(np.uint8))


def build_sequences(
    events: pl.LazyFrame,
    seeds: pl.LazyFrame | None,
    sequence: SequenceSet,
    schema: Schema,
    counters: Counters,
    folder: Path | None = None,
) -> Snapshot:
    """Return the last clicks of each key after all events, and what was given before them."""
    keys, field = list(sequence.key), sequence.field
    needed = [*keys, "time", pl.col(field).alias(_VALUE)]
    clicks = events.filter(pl.col("label") == 1).select(needed)
    seeded = sequence.of == "impressions" and {*keys, field} <= {"user", "item"}
    if seeds is not None and seeded:
        clicks = pl.concat([clicks, seeds.select(needed)])
    clicks = clicks.filter(*(pl.col(name).is_not_null() for name in [*keys, _VALUE]))
    history = SequenceHistory(sequence, schema, counters, Snapshot.of({}))
    builder = SnapshotBuilder(folder)
    for some in dealt(clicks, keys, folder):
        ordered = some.sort(*keys, "time", _VALUE).collect(engine="streaming")
        for batch in sequence_states(ordered, history):
            builder.add(batch)
    return Snapshot(*builder.sorted())


def sequence_states(clicks: pl.DataFrame, history: SequenceHistory) -> Iterator[Batch]:
    """Yield the states of some keys.

    Args:
        clicks: the fields of each key, ``time`` and ``__value``; by all of these.
        history: packs them.
    """
    sequence = history.sequence
    for rows, starts in _of_whole_keys(_reachable(clicks, history), sequence.key):
        pairs = [*zip(rows["time"].to_list(), rows[_VALUE].to_list(), strict=True)]
        packed = [history.pack(pairs[start:end]) for start, end in pairwise(starts.tolist())]
        yield Batch.of(_named(rows, starts, sequence.name, sequence.key), packed)


def _reachable(clicks: pl.DataFrame, history: SequenceHistory) -> pl.DataFrame:
    """Leave out clicks that :meth:`SequenceHistory.pack` would: a key may have very many."""
    starts = _starts(clicks, history.sequence.key)
    if len(starts) == 1:
        return clicks
    times, sizes = clicks["time"].to_numpy(), np.diff(starts)
    hidden = times < history.reachable(times[starts[1:] - 1]).repeat(sizes)
    first = starts[:-1] + np.add.reduceat(hidden, starts[:-1], dtype=np.int64)
    kept = np.arange(len(times)) >= (first - history.sequence.length).repeat(sizes)
    return clicks.filter(pl.Series(kept))


def _of_whole_keys(
    rows: pl.DataFrame, keys: Sequence[str]
) -> Iterator[tuple[pl.DataFrame, NDArray[np.int64]]]:
    """Divide sorted rows into batches; yield each with where its keys start, and the end."""
    for span, starts in request_chunks(_starts(rows, keys), _BATCH):
        yield rows[span], starts


def _starts(rows: pl.DataFrame, keys: Sequence[str]) -> NDArray[np.int64]:
    """Return where the rows of each key start, and the end, shape (keys + 1,)."""
    differs = pl.any_horizontal(pl.col(key).ne_missing(pl.col(key).shift()) for key in keys)
    return np.append(np.flatnonzero(rows.select(differs).to_series().to_numpy()), rows.height)


def _named(
    rows: pl.DataFrame, starts: NDArray[np.int64], name: str, keys: Sequence[str]
) -> list[bytes]:
    """Return each key as a snapshot holds it."""
    each = rows.select(keys)[starts[:-1]]
    return keys_bytes(name, [each[key].to_list() for key in keys])
