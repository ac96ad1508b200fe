"""Several table files that are one log: of the same columns, each of one type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from clickthrough.data.form import ForcedType, TableForm
from clickthrough.data.scan import scan
from clickthrough.data.unpack import Plain, is_lines, is_parquet
from clickthrough.data.untyped import untyped
from clickthrough.errors import DataError, EmptyTableError


@dataclass(frozen=True)
class _Table:
    """A file of the log, with what its columns are taken for."""

    path: Path
    frame: pl.LazyFrame
    types: Mapping[str, pl.DataType]


def united(paths: Sequence[Path], form: TableForm, plain: Plain) -> dict[Path, pl.LazyFrame]:
    """Open those files of a log that hold rows so that they can stand one below another.

    What is a text in one file is a text in all; what one file says nothing of is what the others
    take it for; whole numbers become fractions where another file has some.

    Raises:
        DataError: a file has other columns than the first, or one of a type that does not go with
            the first's: names both; or no file holds a row.
    """
    tables = _with_all_keys(_tables(paths, form, plain))
    first = tables[0]
    if len(tables) == 1:
        return {first.path: first.frame}
    for table in tables[1:]:
        _refuse_other_names(table, first)
    texts = _texts_of_some(tables)
    if texts:
        every = replace(form, types={**form.types, **texts})
        tables = _with_all_keys(
            [
                table if is_parquet(table.path) else _table(table.path, every, plain)
                for table in tables
            ]
        )
    empty = [untyped(t.frame, frozenset(form.types)) if _differ(t, tables) else [] for t in tables]
    told = _told(tables, empty)
    each = zip(tables, empty, strict=True)
    return {table.path: _as_told(table, told, own).select(*first.types) for table, own in each}


def _tables(paths: Sequence[Path], form: TableForm, plain: Plain) -> list[_Table]:
    """Open the files that hold rows; refuse the first where none does, as a log of it alone."""
    tables, empty = list[_Table](), list[EmptyTableError]()
    for path in paths:
        try:
            tables.append(_table(path, form, plain))
        except EmptyTableError as error:
            empty.append(error)
    if not tables:
        raise empty[0]
    return tables


def _table(path: Path, form: TableForm, plain: Plain) -> _Table:
    frame = scan(path, form, plain)
    if is_parquet(path) and not frame.select(pl.len()).collect().item():
        raise EmptyTableError(f"{path}: holds no rows")
    return _Table(path, frame, frame.collect_schema())


def _with_all_keys(tables: list[_Table]) -> list[_Table]:
    """Give JSON lines the columns of the others: a key that no line of a file has is null there."""
    every = dict.fromkeys(name for table in tables for name in table.types)
    return [
        _with_nulls(table, [name for name in every if name not in table.types])
        if is_lines(table.path)
        else table
        for table in tables
    ]


def _with_nulls(table: _Table, names: list[str]) -> _Table:
    frame = table.frame.with_columns(pl.lit(None).alias(name) for name in names)
    return _Table(table.path, frame, frame.collect_schema())


def _refuse_other_names(table: _Table, first: _Table) -> None:
    lacks = [name for name in first.types if name not in table.types]
    more = [name for name in table.types if name not in first.types]
    if lacks or more:
        found = [*[f"lacks {n}" for n in lacks[:3]], *[f"has {n} as well" for n in more[:3]]]
        raise DataError(
            f"{table.path}: {', '.join(found)}; expected the columns of {first.path}, for both are "
            "one log"
        )


def _texts_of_some(tables: Sequence[_Table]) -> dict[str, ForcedType]:
    """Return the columns that hold texts in a CSV and something else in another."""
    found: dict[str, ForcedType] = {}
    for table in tables:
        mixed = [
            name
            for name, dtype in table.types.items()
            if dtype == pl.String and any(other.types[name] != pl.String for other in tables)
        ]
        holds_nothing = untyped(table.frame.select(mixed), frozenset()) if mixed else []
        found |= {name: "str" for name in mixed if name not in holds_nothing}
    return found


def _differ(table: _Table, tables: Sequence[_Table]) -> bool:
    return any(dict(other.types) != dict(table.types) for other in tables)


def _told(tables: Sequence[_Table], empty: Sequence[list[str]]) -> dict[str, pl.DataType]:
    """Return the type that each column has in the files that say something of it."""
    made: dict[str, pl.DataType] = {}
    for table, own in zip(tables, empty, strict=True):
        for name, dtype in table.types.items():
            if name in own:
                continue
            known = made.setdefault(name, dtype)
            if known == dtype:
                continue
            if not (known.is_numeric() and dtype.is_numeric()):
                first = next(t for t, e in zip(tables, empty, strict=True) if name not in e)
                raise DataError(
                    f"{table.path}: column '{name}' is of type {dtype}, in {first.path} it is "
                    f"{known}; expected one type, for both are one log"
                )
            both = pl.concat([pl.Series([], dtype=d).to_frame() for d in (known, dtype)],
                             how="vertical_relaxed")  # fmt: skip
            made[name] = both.dtypes[0]
    return made


def _as_told(table: _Table, told: Mapping[str, pl.DataType], empty: list[str]) -> pl.LazyFrame:
    """Return a file's rows by the types of all."""
    columns = []
    for name in table.types:
        dtype = told.get(name, table.types[name])
        columns.append(
            pl.lit(None, dtype).alias(name) if name in empty else pl.col(name).cast(dtype)
        )
    return table.frame.select(columns)
