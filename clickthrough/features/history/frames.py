"""History by engines of frames: DuckDB beyond memory, Spark beyond a machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw
import polars as pl

from clickthrough import parquet
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.engines import Engine
from clickthrough.features.history.batch import (
    COUNTS,
    PACKED,
    TICK,
    Frame,
    counter_history,
    known_decays,
    with_tick,
)
from clickthrough.features.history.batch_sequences import sequence_history
from clickthrough.features.history.log_files import LogFiles
from clickthrough.features.history.neutral import (
    HistorySet,
    neutral,
    neutral_key_set,
    neutral_sequence,
)


@dataclass(frozen=True)
class FramePasses:
    """Computes the history of a log with an engine, one pass a set.

    Args:
        log: its tables.
        engine: which computes.
    """

    log: LogFiles
    engine: Engine

    def write(self, of: HistorySet, path: Path) -> None:
        """Write the history columns of a set, in order of ``row``; see :class:`.stage.Passes`."""
        known = path.with_name("known")
        compute = self._counters if isinstance(of, KeySet) else self._sequence
        self.engine.write(compute(of, known), path, by="row")  # type: ignore[arg-type]

    def _counters(self, key_set: KeySet, folder: Path) -> Frame:
        rows = self._rows([*key_set.fields])
        own = neutral_key_set(key_set)
        counted = rows
        if key_set.of == "views":
            counted = self._with_views(rows, key_set.fields)
        before, known = None, self.log.known
        if known is not None:
            asked = self._impressions(neutral(key_set.fields))
            if known.write_counters(key_set.name, asked, folder):
                columns = [*own.fields, TICK, PACKED, *known_decays(own)]
                before = self.engine.scan(folder, {name: name for name in columns})
        found = counter_history(counted, own, self.log.counters, before)
        return _joined(rows, found, list(own.fields), own.columns())

    def _sequence(self, sequence: SequenceSet, folder: Path) -> Frame:
        names = neutral((*sequence.key, sequence.field))
        rows = self._rows(list(names))
        events = rows
        if sequence.of == "views":
            events = self._with_views(rows, tuple(names))
        own = neutral_sequence(sequence)
        seeds = self._seeds(sequence, names, folder)
        found = sequence_history(events, seeds, own, self.log.counters)
        return _joined(rows, found, list(own.key), [*own.places, own.size])

    def _seeds(self, sequence: SequenceSet, names: dict[str, str], folder: Path) -> Frame | None:
        """Return the clicks from before the log."""
        known, given = self.log.known, self.log.seeds_of(set(names))
        if known is not None:
            asked = self._impressions({name: names[name] for name in sequence.key})
            if known.write_clicks(sequence.name, asked, names[sequence.field], folder):
                return self.engine.scan(folder, {name: name for name in ["time", *names.values()]})
        elif given is not None and sequence.of == "impressions":
            return self.engine.scan(given, {"time": "time", **names})
        return None

    def _impressions(self, names: dict[str, str]) -> pl.LazyFrame:
        """Return some fields of the impressions under other names."""
        rows = parquet.scan(self.log.impressions)
        return rows.select(pl.col(name).alias(other) for name, other in names.items())

    def _rows(self, fields: list[str]) -> Frame:
        """Return the impressions with their tick, and whether they are events."""
        only = self.log.events
        also = [only.column] if only else []
        own = {name: name for name in ["row", "time", "label", *also]}
        counts = ~nw.col("label").is_null()
        if only is not None:
            counts = counts & (nw.col(only.column) < only.below)
        rows = self.engine.scan(self.log.impressions, own | neutral(fields))
        return with_tick(rows, self.log.counters).with_columns(counts.alias(COUNTS))

    def _with_views(self, rows: Frame, fields: Sequence[str]) -> Frame:
        """Unite impressions that only ask with page views that only count, as shown and clicked."""
        names = neutral(fields)
        views = self.engine.scan(self.log.viewed(), {"time": "time", **names})
        since, until = self.log.views_between()
        if until is not None:
            views = views.filter(nw.col("time") < until)
        if since is not None:
            views = views.filter(nw.col("time") >= since)
        columns = [*dict.fromkeys(names.values()), "time", TICK]
        views = with_tick(views, self.log.counters).select(
            *columns, nw.lit(1).cast(nw.Int64).alias("label"), nw.lit(value=True).alias(COUNTS)
        )
        asking = rows.select(
            *columns, nw.lit(0).cast(nw.Int64).alias("label"), nw.lit(value=False).alias(COUNTS)
        )
        return nw.concat([asking, views], how="vertical")


def _joined(rows: Frame, known: Frame, keys: list[str], columns: list[str]) -> Frame:
    """Give each impression what is known of its key at its tick."""
    on = [*keys, TICK]
    return rows.select("row", *on).join(known, on=on, how="left").select("row", *columns)
