"""JSON lines as a table: columns in the order in which they are met, each of one type.

Rows come some at once, so that memory does not grow with the file; what a column holds is settled
when all were seen. Whole numbers and fractions are fractions, whole numbers and texts are texts.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import IO

import polars as pl

from clickthrough.data.kinds import built, is_unfit, kinds_of, settled
from clickthrough.errors import DataError, EmptyTableError
from clickthrough.json_lines import Row, read_rows
from clickthrough.nested import parents

MOST_COLUMNS = 10_000
_HEIGHT = "rows"
"""A column that every part has: a table without columns has no rows."""
_OWN = "."
"""Begins the name of any other: a key may be called as it likes, and as Polars reads patterns."""
_NOTES = "clickthrough:notes"
_ROW_GROUP = 100_000
Types = Mapping[str, pl.DataType]


def lines_to_parquet(file: IO[bytes], name: str, folder: Path) -> Path:
    """Write a file of JSON lines as Parquet, row for row.

    Args:
        file: at its begin.
        name: how errors call it.
        folder: gets the file, and parts of it meanwhile.

    Raises:
        DataError: the file holds nothing, or a line is odd: names it.
    """
    columns, parts = _Columns(name), list[tuple[Path, pl.Schema]]()
    for number, rows in enumerate(read_rows(file, name)):
        part, path = columns.table(rows), folder / f"{number:06d}.parquet"
        part.write_parquet(path, compression="lz4")
        parts.append((path, part.schema))
    types = columns.types()
    made = folder / "lines.parquet"
    frames = [_as(_opened(paths, schema), types) for paths, schema in _runs(parts)]
    notes = {_NOTES: json.dumps(columns.notes())}
    pl.concat(frames).sink_parquet(made, metadata=notes, row_group_size=_ROW_GROUP)
    for path, _ in parts:
        path.unlink()
    return made


def notes_of(made: Path) -> dict[str, str]:
    """Return what the owner of a file should know of its columns, as it was written as Parquet."""
    notes: dict[str, str] = json.loads(pl.read_parquet_metadata(made).get(_NOTES, "{}"))
    return notes


def table_of_lines(file: IO[bytes], name: str) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return a small file of JSON lines as a table, and what its owner should know of its columns.

    See :func:`lines_to_parquet`.
    """
    columns = _Columns(name)
    parts = [columns.table(rows) for rows in read_rows(file, name)]
    types = columns.types()
    return pl.concat([_as(part.lazy(), types) for part in parts]).collect(), columns.notes()


class _Columns:
    """What was seen of the columns of a file."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._kinds: dict[str, set[str]] = {}

    def table(self, rows: list[Row]) -> pl.DataFrame:
        """Return rows as a table of the columns of which they say something."""
        found = {_HEIGHT: pl.Series(_HEIGHT, [None] * len(rows), pl.Null)}
        for column in dict.fromkeys(chain.from_iterable(rows)):
            values = [row.get(column) for row in rows]
            kinds = kinds_of(values)
            self._known(column).update(kinds)
            if kinds:
                found[_OWN + column] = built(_OWN + column, values, settled(kinds))
        return pl.DataFrame(found)

    def _known(self, column: str) -> set[str]:
        if column not in self._kinds and len(self._kinds) == MOST_COLUMNS:
            raise DataError(
                f"{self._name}: more than {MOST_COLUMNS:,} columns, such as '{column[:60]}'; "
                "keys that are values belong into a list"
            )
        return self._kinds.setdefault(column, set())

    def types(self) -> Types:
        """Return the type of each column; an object that is sometimes null is no column.

        Raises:
            DataError: there is none.
        """
        if not self._kinds:
            raise EmptyTableError(f"{self._name}: is empty")
        over = parents(self._kinds)
        return {
            column: settled(kinds)
            for column, kinds in self._kinds.items()
            if kinds or column not in over
        }

    def notes(self) -> dict[str, str]:
        """Say which columns are texts though they hold whole numbers."""
        notes = {}
        for column, kinds in self._kinds.items():
            if kinds <= {"int", "big", "str"} and kinds - {"int"} and kinds != {"str"}:
                also = "texts" if "str" in kinds else "some beyond 64 bits"
                notes[column] = f"column '{column}' holds whole numbers and {also}: read as texts"
        return notes


def _runs(parts: Iterable[tuple[Path, pl.Schema]]) -> Iterator[tuple[list[Path], Types]]:
    """Unite parts that follow one another and whose columns have no two types."""
    paths, types = list[Path](), dict[str, pl.DataType]()
    for path, schema in parts:
        if any(types.get(column, dtype) != dtype for column, dtype in schema.items()):
            yield paths, types
            paths, types = [], {}
        paths.append(path)
        types |= schema
    yield paths, types


def _opened(paths: list[Path], types: Types) -> pl.LazyFrame:
    return pl.scan_parquet(paths, schema=dict(types), missing_columns="insert", glob=False)


def _as(part: pl.LazyFrame, types: Types) -> pl.LazyFrame:
    """Return a part with all columns, each of its type."""
    held = part.collect_schema()
    return part.select(
        pl.col(_HEIGHT if is_unfit(dtype) or _OWN + column not in held else _OWN + column)
        .cast(dtype)
        .alias(column)
        for column, dtype in types.items()
    )
