"""The tables of a log with their fields as codes, a chunk at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.features.history.codes import Codes, Ints, codes_of
from clickthrough.features.history.files import ParquetRows
from clickthrough.features.history.log_files import LogFiles
from clickthrough.mapped_array import MappedArray


@dataclass(frozen=True)
class Chunk:
    """Some rows of a table.

    Attributes:
        columns: those that were asked for as they are.
        codes: of each field.
    """

    columns: pl.DataFrame
    codes: Sequence[Ints]


class CodedTable:
    """A table, whose fields are read as codes.

    Args:
        path: its Parquet files.
        folder: where there is room for codes that are dear to make.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self.rows = ParquetRows(path)
        self._folder = folder
        self._kept: dict[Codes, NDArray[np.int32]] = {}

    def keep(self, codes: Mapping[str, Codes]) -> None:
        """Make the codes of fields that are dear to make, once."""
        for field, own in codes.items():
            if own.is_kept and own not in self._kept:
                made = MappedArray(self._folder)
                for span in self.rows.spans():
                    values = self.rows.read(span, [field])[field]
                    made.add(own.of(values).astype(np.int32))
                self._kept[own] = made.read()
                made.close()

    def read(self, span: slice, columns: Sequence[str], codes: Mapping[str, Codes]) -> Chunk:
        """Return a range of rows."""
        made = [field for field, own in codes.items() if own not in self._kept]
        frame = self.rows.read(span, [*dict.fromkeys([*columns, *made])])
        each = [
            self._kept[own][span].astype(np.int64) if own in self._kept else own.of(frame[field])
            for field, own in codes.items()
        ]
        return Chunk(frame, each)


class CodedLog:
    """The tables of a log.

    Args:
        log: their files.
        folder: where there is room.
    """

    def __init__(self, log: LogFiles, folder: Path) -> None:
        self._log = log
        self.impressions = CodedTable(log.impressions, folder)
        self.views = CodedTable(log.views, folder) if log.views else None
        self.seeds = CodedTable(log.seeds, folder) if log.seeds else None
        self._codes: dict[str, Codes] = {}

    def codes(self, fields: Sequence[str]) -> dict[str, Codes]:
        """Return the codes of some fields, which hold for all tables."""
        for field in fields:
            if field not in self._codes:
                self._codes[field] = codes_of(self._scans(field), field)
        return {field: self._codes[field] for field in fields}

    def codes_beside(self, field: str, other: pl.LazyFrame) -> Codes:
        """Return codes of a field that hold for another table too."""
        own = self.codes([field])[field]
        return own if own.is_kept else codes_of([*self._scans(field), other], field)

    def viewed(self) -> CodedTable:
        """Return the page views.

        Raises:
            ConfigError: there are none.
        """
        self._log.viewed()
        assert self.views is not None  # noqa: S101 - they were found
        return self.views

    def seeds_of(self, fields: set[str]) -> CodedTable | None:
        """Return the given history of some fields."""
        return self.seeds if self._log.seeds_of(fields) else None

    def _scans(self, field: str) -> list[pl.LazyFrame]:
        tables = [self.impressions, self.views, self.seeds]
        scans = [table.rows.scan() for table in tables if table is not None]
        return [scan for scan in scans if field in scan.collect_schema()]
