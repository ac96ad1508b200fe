"""The last clicks of one key as of every impression, a chunk and a partition at a time."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.features.columns import SequenceSet
from clickthrough.features.history.chunked import (
    are_events,
    event_columns,
    partitions_of,
    ticks_of,
    views_count,
)
from clickthrough.features.history.clicked import Clicks, click_order, clicks_of, last_clicks
from clickthrough.features.history.coded_log import Chunk, CodedLog, CodedTable
from clickthrough.features.history.codes import MISSING, Codes, Ints, KeyCodes
from clickthrough.features.history.entries import Entries, entries_of
from clickthrough.features.history.log_files import LogFiles
from clickthrough.features.history.neutral import neutral, neutral_sequence
from clickthrough.features.history.spilled import Spilled, SpilledChunks
from clickthrough.features.history.ticks import tick_of
from clickthrough.in_turn import in_turn
from clickthrough.mapped_array import MappedArray


class SequencePass:
    """One pass over a log.

    Args:
        log: its tables.
        coded: the same, with their fields as codes.
        sequence: key, field and length.
        folder: where there is room.
    """

    def __init__(self, log: LogFiles, coded: CodedLog, sequence: SequenceSet, folder: Path) -> None:
        self._log, self._sequence, self._folder = log, sequence, folder
        self._impressions = coded.impressions
        self._views = coded.viewed() if sequence.of == "views" else None
        self._fields = [*dict.fromkeys([*sequence.key, sequence.field])]
        self._codes = coded.codes(self._fields)
        self._given = self._given_before(coded)
        self._key = KeyCodes([self._codes[field] for field in sequence.key])
        views = 0 if self._views is None else len(self._views.rows)
        self._partitions = partitions_of(len(self._impressions.rows) + views)
        self._asked, self._own = Spilled(folder), SpilledChunks(folder)
        self._clicks = Spilled(folder)
        self._clicked = MappedArray(folder)

    def write(self, path: Path) -> None:
        """Write the history columns into a directory of Parquet files, in order of rows."""
        for table in (self._impressions, self._views):
            if table is not None:
                table.keep(self._codes)
        for entries, clicks in in_turn(self._shown, self._impressions.rows.spans()):
            self._asked.add([entries.key, entries.tick], entries.sizes)
            self._own.add(entries.own)
            self._clicks.add(clicks.columns, clicks.sizes)
        for clicks in self._beside():
            self._clicks.add(clicks.columns, clicks.sizes)
        self._value.ranks(np.empty(0, np.int64))  # made once, before there are several threads
        found = in_turn(self._found, range(self._partitions))
        for number, (end, size, values) in enumerate(found):
            self._asked.put(number, [end + len(self._clicked), size], len(self._own))
            self._clicked.add(values)
        path.mkdir()
        for _ in in_turn(partial(self._written, path), enumerate(self._own)):
            pass

    @property
    def _value(self) -> Codes:
        return self._codes[self._sequence.field]

    def _given_before(self, coded: CodedLog) -> CodedTable | None:
        """Return the clicks from before the log; where a bundle knows of them, by neutral names."""
        known, field = self._log.known, self._sequence.field
        if known is None:
            of_views = self._sequence.of == "views"
            return None if of_views else coded.seeds_of(set(self._fields))
        names, folder = neutral(self._fields), self._folder / "known"
        rows = self._impressions.rows.scan()
        asked = rows.select(pl.col(key).alias(names[key]) for key in self._sequence.key)
        if not known.write_clicks(self._sequence.name, asked, names[field], folder):
            return None
        table = CodedTable(folder, self._folder)
        self._codes[field] = coded.codes_beside(
            field, table.rows.scan().select(pl.col(names[field]).alias(field))
        )
        return table

    def _shown(self, span: slice) -> tuple[Entries, Clicks]:
        """Return the entries of impressions, which all ask, and what was clicked of them."""
        chunk = self._impressions.read(span, ["time", *event_columns(self._log)], self._codes)
        counts = np.zeros(len(chunk.columns), bool)
        if self._views is None:
            clicks = chunk.columns["label"].fill_null(0).to_numpy()
            counts = are_events(chunk.columns, self._log) & (clicks == 1)
        key = self._key_of(chunk)
        asked = entries_of(key, ticks_of(chunk.columns, self._log), [], self._partitions)
        return asked, self._clicks_of(chunk, key, counts)

    def _beside(self) -> Iterator[Clicks]:
        """Yield what was viewed, and what was given from before the log."""
        if self._views is not None:
            yield from in_turn(partial(self._of_table, self._views), self._views.rows.spans())
        if self._given is not None:
            yield from map(partial(self._of_table, self._given), self._given.rows.spans())

    def _of_table(self, table: CodedTable, span: slice) -> Clicks:
        codes = self._codes
        if table is self._given and self._log.known is not None:
            names = neutral(self._fields)
            codes = {names[field]: own for field, own in codes.items()}
        chunk = table.read(span, ["time"], codes)
        counts = np.ones(len(chunk.columns), bool)
        if table is self._views:
            counts = views_count(chunk.columns, self._log)
        return self._clicks_of(chunk, self._key_of(chunk), counts)

    def _key_of(self, chunk: Chunk) -> Ints:
        each = dict(zip(self._fields, chunk.codes, strict=True))
        return self._key.of([each[field] for field in self._sequence.key])

    def _clicks_of(self, chunk: Chunk, key: Ints, counts: NDArray[np.bool_]) -> Clicks:
        value = dict(zip(self._fields, chunk.codes, strict=True))[self._sequence.field]
        time = chunk.columns["time"].to_numpy()
        return clicks_of(key, time, value, counts, self._partitions)

    def _found(self, partition: int) -> tuple[Ints, Ints, Ints]:
        """Return which clicks the entries of a partition may see, and these in order."""
        key, time, value = self._clicks.partition(partition)
        order = click_order(key, time, self._value.ranks(value))
        counters = self._log.counters
        ticks = tick_of(time.take(order), counters.tick)
        asked, tick = self._asked.partition(partition)
        end, size = last_clicks(
            asked, tick, key.take(order), ticks, counters.delay_ticks, self._sequence.length
        )
        return end, size, value.take(order)

    def _written(self, path: Path, chunk: tuple[int, NDArray[np.int32]]) -> None:
        """Write the history columns of a chunk."""
        number, own = chunk
        end, size = self._asked.results(number)
        named, clicked = neutral_sequence(self._sequence), self._clicked.read()
        columns = {}
        for place, name in enumerate(named.places):
            codes = np.full(len(end), MISSING, np.int64)
            there = np.flatnonzero(size > place)
            codes[there] = clicked.take(end.take(there) - (1 + place))
            columns[name] = self._value.values(codes)
        entries = pl.DataFrame(columns | {named.size: pl.Series(size)})
        rows = pl.Series(own).set(pl.Series(own < 0), None)
        of_rows = entries.select(pl.all().gather(rows))
        of_rows.write_parquet(path / f"{number:05d}.parquet", compression="lz4")
