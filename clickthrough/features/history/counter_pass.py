"""The counters of one key set as of every impression, a chunk and a partition at a time."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.features.columns import KeySet
from clickthrough.features.history.batch import PACK, PACKED, TICK, known_decays
from clickthrough.features.history.chunked import (
    are_events,
    event_columns,
    partitions_of,
    ticks_of,
    views_count,
)
from clickthrough.features.history.coded_log import CodedLog, CodedTable
from clickthrough.features.history.codes import MISSING, Ints, KeyCodes
from clickthrough.features.history.counters import state_layout
from clickthrough.features.history.decays import Decayed
from clickthrough.features.history.entries import Entries, entries_of
from clickthrough.features.history.log_files import LogFiles
from clickthrough.features.history.neutral import neutral, neutral_key_set
from clickthrough.features.history.running import counters, unpacked
from clickthrough.features.history.spilled import Spilled, SpilledChunks
from clickthrough.in_turn import in_turn


class CounterPass:
    """One pass over a log.

    Args:
        log: its tables.
        coded: the same, with their fields as codes.
        key_set: what is counted.
        folder: where there is room.
    """

    def __init__(self, log: LogFiles, coded: CodedLog, key_set: KeySet, folder: Path) -> None:
        self._log, self._key_set, self._folder = log, key_set, folder
        self._impressions = coded.impressions
        self._views = coded.viewed() if key_set.of == "views" else None
        self._codes = coded.codes(key_set.fields)
        self._key = KeyCodes([*self._codes.values()])
        self._known = self._known_before()
        for table in (self._impressions, self._views):
            if table is not None:
                table.keep(self._codes)
        views = 0 if self._views is None else len(self._views.rows)
        self._partitions = partitions_of(len(self._impressions.rows) + views)
        self._spilled, self._own = Spilled(folder), SpilledChunks(folder)

    def write(self, path: Path) -> None:
        """Write the history columns into a directory of Parquet files, in order of rows."""
        for entries in in_turn(self._shown, self._impressions.rows.spans()):
            self._spill(entries)
            self._own.add(entries.own)
        for entries in self._beside():
            self._spill(entries)
        for number, results in enumerate(in_turn(self._counted, range(self._partitions))):
            self._spilled.put(number, results, len(self._own))
        path.mkdir()
        for _ in in_turn(partial(self._written, path), enumerate(self._own)):
            pass

    def _known_before(self) -> CodedTable | None:
        """Return what is known of before the log, as events."""
        known, folder = self._log.known, self._folder / "known"
        if known is None:
            return None
        names = neutral(self._key_set.fields).items()
        rows = self._impressions.rows.scan()
        asked = rows.select(pl.col(name).alias(other) for name, other in names)
        found = known.write_counters(self._key_set.name, asked, folder)
        return CodedTable(folder, self._folder) if found else None

    def _spill(self, entries: Entries) -> None:
        self._spilled.add([entries.key, entries.tick, *entries.sums], entries.sizes)

    def _shown(self, span: slice) -> Entries:
        """Return the entries of impressions, which all ask, and of which some count."""
        chunk = self._impressions.read(span, ["time", *event_columns(self._log)], self._codes)
        packed = np.zeros(len(chunk.columns), np.int64)
        if self._views is None:
            clicks = chunk.columns["label"].fill_null(0).cast(pl.Int64).to_numpy()
            packed = np.where(are_events(chunk.columns, self._log), clicks + PACK, 0)
        ticks = ticks_of(chunk.columns, self._log)
        return self._entries(self._key.of(chunk.codes), ticks, packed)

    def _beside(self) -> Iterator[Entries]:
        """Yield the entries of what only counts: page views, and what is known of before."""
        if self._views is not None:
            yield from in_turn(self._viewed, self._views.rows.spans())
        if self._known is not None:
            yield from map(self._before, self._known.rows.spans())

    def _viewed(self, span: slice) -> Entries:
        assert self._views is not None  # noqa: S101 - see above
        chunk = self._views.read(span, ["time"], self._codes)
        key = self._key.of(chunk.codes)
        key = np.where(views_count(chunk.columns, self._log), key, MISSING)
        packed = np.full(len(key), PACK + 1)  # each is shown and clicked
        return self._entries(key, ticks_of(chunk.columns, self._log), packed)

    def _before(self, span: slice) -> Entries:
        assert self._known is not None  # noqa: S101 - see above
        own = neutral_key_set(self._key_set)
        decays = known_decays(own)
        codes = dict(zip(own.fields, self._codes.values(), strict=True))
        chunk = self._known.read(span, [TICK, PACKED, *decays], codes)
        packed = chunk.columns[PACKED].to_numpy()
        pairs = zip(decays[::2], decays[1::2], strict=True)
        weighed = [_filled(chunk.columns, names, packed) for names in pairs]
        key, tick = self._key.of(chunk.codes), chunk.columns[TICK].to_numpy()
        return entries_of(key, tick, [packed, *weighed], self._partitions)

    def _entries(self, key: Ints, tick: Ints, packed: Ints) -> Entries:
        """Return entries; where something is known of before, with what weighs in each decay."""
        apart = self._known is not None and self._key_set.half_lives
        weighed = [unpacked(packed)] * len(self._key_set.half_lives) if apart else []
        return entries_of(key, tick, [packed, *weighed], self._partitions)

    def _counted(self, partition: int) -> list[NDArray[Any]]:
        """Return what is known of the entries of a partition."""
        layout = state_layout(self._key_set, self._log.counters)
        key, tick, packed, *weighed = self._spilled.partition(partition)
        return counters(key, tick, packed, weighed, layout)

    def _written(self, path: Path, chunk: tuple[int, NDArray[np.int32]]) -> None:
        """Write the history columns of a chunk."""
        number, own = chunk
        age, *counted = self._spilled.results(number)
        columns = {"age": _of_rows(age, own)}
        for place, values in enumerate(counted):
            told = _of_rows(values, own)
            whole = told.dtype == np.int64
            n, c = (told // PACK, told % PACK) if whole else (told.real, told.imag)
            columns |= {f"n{place}": n, f"c{place}": c}
        names = neutral_key_set(self._key_set).columns()
        frame = pl.DataFrame(dict(zip(names, columns.values(), strict=True)))
        if (own < 0).any():
            known = pl.Series(own >= 0)
            frame = frame.select(pl.when(known).then(pl.all()))
        frame = frame.with_columns(pl.when(pl.col(names[0]) >= 0).then(names[0]))
        frame.write_parquet(path / f"{number:05d}.parquet", compression="lz4")


def _of_rows(values: NDArray[Any], own: NDArray[np.int32]) -> NDArray[Any]:
    """Return the value of each row's entry; of rows without one, anything."""
    return values.take(own, mode="clip") if len(values) else np.zeros(len(own), values.dtype)


def _filled(frame: pl.DataFrame, names: tuple[str, str], packed: Ints) -> Decayed:
    """Return what weighs in a decay: the counts, where nothing else is said."""
    counts = unpacked(packed)
    n, c = (frame[name].fill_null(np.nan).to_numpy() for name in names)
    return np.where(np.isnan(n), counts, n + 1j * c)
