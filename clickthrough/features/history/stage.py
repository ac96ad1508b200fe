"""The history of a whole log, one pass a key: Parquet beside the dataset, reused by later runs."""

import hashlib
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from clickthrough import parquet
from clickthrough.cleanup import scratch_directory
from clickthrough.config.features import Counters
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.engines import EngineName, open_engine
from clickthrough.features.history.frames import FramePasses
from clickthrough.features.history.known import Known
from clickthrough.features.history.log_files import EventFilter, LogFiles
from clickthrough.features.history.neutral import HistorySet, kept_names
from clickthrough.features.history.partitioned import PartitionedPasses
from clickthrough.full_disk import full_disk_told
from clickthrough.steps import counted

_log = logging.getLogger(__name__)
_FORMAT = 6
"""Raised when the outcome of a pass changes, so that old ones are not reused."""
COMPUTING = "computing-"
"""What the names of directories begin with in which a pass works."""


class Passes(Protocol):
    """Computes the history of a log, one pass a set."""

    def write(self, of: HistorySet, path: Path) -> None:
        """Write the history columns of a set, row for row with the impressions.

        Args:
            of: the set.
            path: a Parquet file or a directory of them, not there yet; what lies beside it may be
                used, and is removed afterwards.
        """


@dataclass(frozen=True)
class HistoryStage:
    """Computes history columns.

    Args:
        folder: where the results are kept.
        impressions: the Parquet file of the log, or a directory of them, in order of ``row``.
        counters: tick, delay.
        engine: which engine computes.
        seeds: the Parquet file of a given history, or None.
        views: the Parquet file of page views, or None.
        events: which rows count; all by default.
        known: what a bundle knows of before the log: see :class:`.log_files.LogFiles`.
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
        opened: list[Passes] = []
        sets: list[HistorySet] = [*key_sets, *sequences]
        return [self._kept(of, opened) for of in counted(sets, len(sets))]

    def lacks(self, of: HistorySet) -> bool:
        """Say whether the history of a set is yet to be computed."""
        return not self._target(of).exists()

    def _kept(self, of: HistorySet, opened: list[Passes]) -> pl.LazyFrame:
        """Scan the result of a pass, computing it on first use."""
        target = self._target(of)
        if not target.exists():
            start = time.monotonic()
            self._compute(of, target, opened)
            _log.debug("%s: %.1f s by %s", of, time.monotonic() - start, self.engine)
        return parquet.scan(target).select(
            pl.col(kept).alias(name) for kept, name in kept_names(of).items()
        )

    def _compute(self, of: HistorySet, target: Path, opened: list[Passes]) -> None:
        try:
            self._write(of, target, opened)
        except OSError:  # of a directory: another process was quicker
            if not target.exists():
                raise

    def _write(self, of: HistorySet, target: Path, opened: list[Passes]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (
            full_disk_told(self.folder, target),
            scratch_directory(self.folder, COMPUTING) as beside,
        ):
            if not opened:
                opened.append(self._passes())
            written = beside / "history.parquet"
            with full_disk_told(beside, target):  # while what fills it is there
                opened[0].write(of, written)
            written.replace(target)

    def _passes(self) -> Passes:
        """Return what computes."""
        log = LogFiles(
            self.impressions, self.counters, self.seeds, self.views, self.events, self.known
        )
        if self.engine == "polars":
            return PartitionedPasses(log, self.folder)
        return FramePasses(log, open_engine(self.engine, self.folder))

    def _target(self, of: HistorySet) -> Path:
        return self.folder / f"{self._digest(of)}.parquet"

    def _digest(self, of: HistorySet) -> str:
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
