"""The history of a whole log, one pass a key: Parquet beside the dataset, reused by later runs."""

import hashlib
import json
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import narwhals as nw
import polars as pl

from clickthrough.cleanup import removing
from clickthrough.config.features import Counters
from clickthrough.errors import ConfigError
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.engines import Engine, EngineName, open_engine, parquet_files
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
from clickthrough.features.history.known import Known
from clickthrough.full_disk import full_disk_told
from clickthrough.steps import counted

_log = logging.getLogger(__name__)
_Compute = Callable[[Engine, Path], Frame]
"""Makes the history of a set, with an engine and a folder that it may make and fill."""
_FORMAT = 5
"""Raised when the outcome of a pass changes, so that old ones are not reused."""


@dataclass(frozen=True)
class EventFilter:
    """Which rows count as events: those whose column is below a bound."""

    column: str
    below: int


@dataclass(frozen=True)
class HistoryStage:
    """Computes history columns.

    Args:
        folder: where the results are kept.
        impressions: the Parquet file of the log.
        counters: tick, delay.
        engine: which engine computes.
        seeds: the Parquet file of a given history, or None.
        views: the Parquet file of page views, or None.
        events: which rows count; all by default.
        known: what a bundle knows of before the log, which then begins with it: with its sequences,
            not with a given history, and without page views that it holds.
    """

    folder: Path
    impressions: Path
    counters: Counters
    engine: EngineName = "polars"
    seeds: Path | None = None
    views: Path | None = None
    events: EventFilter | None = None
    known: Known | None = None

    def columns(
        self, key_sets: tuple[KeySet, ...], sequences: tuple[SequenceSet, ...]
    ) -> list[pl.LazyFrame]:
        """Return the history columns of each set, row for row with the impressions."""
        opened: list[Engine] = []
        passes: list[tuple[KeySet | SequenceSet, _Compute, dict[str, str]]] = [
            *((k, partial(self._counters, k), _key_set_names(k)) for k in key_sets),
            *((s, partial(self._sequence, s), _sequence_names(s)) for s in sequences),
        ]
        return [self._kept(*of_each, opened) for of_each in counted(passes, len(passes))]

    def _kept(
        self,
        of: KeySet | SequenceSet,
        compute: _Compute,
        columns: dict[str, str],
        opened: list[Engine],
    ) -> pl.LazyFrame:
        """Scan the result of a pass, computing it on first use."""
        target = self.folder / f"{self._digest(of)}.parquet"
        if not target.exists():
            start = time.monotonic()
            self._compute(target, compute, opened)
            _log.debug("%s: %.1f s by %s", of, time.monotonic() - start, self.engine)
        return pl.scan_parquet(parquet_files(target)).select(
            pl.col(kept).alias(name) for kept, name in columns.items()
        )

    def _compute(self, target: Path, compute: _Compute, opened: list[Engine]) -> None:
        try:
            self._write(target, compute, opened)
        except OSError:  # of a directory: another process was quicker
            if not target.exists():
                raise

    def _write(self, target: Path, compute: _Compute, opened: list[Engine]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with full_disk_told(self.folder, target):
            beside = Path(tempfile.mkdtemp(prefix="computing-", dir=self.folder))

        def write() -> None:
            if not opened:
                opened.append(open_engine(self.engine, beside.parent))
            written = beside / "history.parquet"
            with full_disk_told(beside, target):
                opened[0].write(compute(opened[0], beside / "known"), written, by="row")
            written.replace(target)

        removing(beside, write)

    def _digest(self, of: KeySet | SequenceSet) -> str:
        parts = [
            _FORMAT,
            repr(of),
            repr(self.counters),
            self.engine,
            repr(self.events),
            bool(self.seeds),
            *([self.known.digest(of.name)] if self.known else []),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def _counters(self, key_set: KeySet, engine: Engine, folder: Path) -> Frame:
        rows = self._rows(engine, [*key_set.fields])
        neutral = _neutral_key_set(key_set)
        counted = rows
        if key_set.of == "views":
            counted = self._with_views(engine, rows, key_set.fields)
        before = None
        if self.known is not None:
            own = self._impressions(_neutral(key_set.fields))
            if self.known.write_counters(key_set.name, own, folder):
                columns = [*neutral.fields, TICK, PACKED, *known_decays(neutral)]
                before = engine.scan(folder, {name: name for name in columns})
        found = counter_history(counted, neutral, self.counters, before)
        return _joined(rows, found, list(neutral.fields), neutral.columns())

    def _sequence(self, sequence: SequenceSet, engine: Engine, folder: Path) -> Frame:
        names = _neutral((*sequence.key, sequence.field))
        rows = self._rows(engine, list(names))
        seeds, events = None, rows
        if sequence.of == "views":
            events = self._with_views(engine, rows, tuple(names))
        elif self.known is None and self.seeds is not None and set(names) <= {"user", "item"}:
            seeds = engine.scan(self.seeds, {"time": "time", **names})
        neutral = _neutral_sequence(sequence)
        if self.known is not None:
            own = self._impressions({name: names[name] for name in sequence.key})
            if self.known.write_clicks(sequence.name, own, neutral.field, folder):
                seeds = engine.scan(folder, {name: name for name in ["time", *names.values()]})
        found = sequence_history(events, seeds, neutral, self.counters)
        return _joined(rows, found, list(neutral.key), [*neutral.places, neutral.size])

    def _impressions(self, names: dict[str, str]) -> pl.LazyFrame:
        """Return some fields of the impressions under other names."""
        rows = pl.scan_parquet(parquet_files(self.impressions))
        return rows.select(pl.col(name).alias(other) for name, other in names.items())

    def _rows(self, engine: Engine, fields: list[str]) -> Frame:
        """Return the impressions with their tick, and whether they are events."""
        also = [self.events.column] if self.events else []
        own = {name: name for name in ["row", "time", "label", *also]}
        counts = ~nw.col("label").is_null()
        if self.events is not None:
            counts = counts & (nw.col(self.events.column) < self.events.below)
        rows = engine.scan(self.impressions, own | _neutral(fields))
        return with_tick(rows, self.counters).with_columns(counts.alias(COUNTS))

    def _with_views(self, engine: Engine, rows: Frame, fields: Sequence[str]) -> Frame:
        """Unite impressions that only ask with page views that only count, as shown and clicked."""
        if self.views is None:
            raise ConfigError("'of: views' needs page views, but the log has none")
        names = _neutral(fields)
        views = engine.scan(self.views, {"time": "time", **names})
        if self.events is not None and self.events.column == "time":
            views = views.filter(nw.col("time") < self.events.below)
        if self.known is not None:
            views = views.filter(nw.col("time") >= self.known.until)
        columns = [*dict.fromkeys(names.values()), "time", TICK]
        views = with_tick(views, self.counters).select(
            *columns, nw.lit(1).cast(nw.Int64).alias("label"), nw.lit(value=True).alias(COUNTS)
        )
        asking = rows.select(
            *columns, nw.lit(0).cast(nw.Int64).alias("label"), nw.lit(value=False).alias(COUNTS)
        )
        return nw.concat([asking, views], how="vertical")


def _neutral(fields: Sequence[str]) -> dict[str, str]:
    """Name fields as every engine can read them: some take a dot for a path, or ignore case."""
    return {field: f"f{place}" for place, field in enumerate(dict.fromkeys(fields))}


def _neutral_key_set(key_set: KeySet) -> KeySet:
    return replace(key_set, fields=tuple(_neutral(key_set.fields).values()))


def _key_set_names(key_set: KeySet) -> dict[str, str]:
    """Return the columns of a key set as a pass keeps them, with the names they are given back."""
    return dict(zip(_neutral_key_set(key_set).columns(), key_set.columns(), strict=True))


def _sequence_names(sequence: SequenceSet) -> dict[str, str]:
    kept, ours = _neutral_sequence(sequence), sequence
    return dict(zip([*kept.places, kept.size], [*ours.places, ours.size], strict=True))


def _neutral_sequence(sequence: SequenceSet) -> SequenceSet:
    names = _neutral((*sequence.key, sequence.field))
    key = tuple(names[k] for k in sequence.key)
    return replace(sequence, key=key, field=names[sequence.field])


def _joined(rows: Frame, known: Frame, keys: list[str], columns: list[str]) -> Frame:
    """Give each impression what is known of its key at its tick."""
    on = [*keys, TICK]
    return rows.select("row", *on).join(known, on=on, how="left").select("row", *columns)
