"""Impressions of one file, read as the log was that a schema was made of.

The separator and the header are told from the file itself, types come from the schema, lists and
side tables from the configuration: so a value means here what it meant in training.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from polars._typing import PolarsDataType

from clickthrough.config.data import TabularData, TimeFormat
from clickthrough.data.columns import canonical, finite
from clickthrough.data.csv_shape import first_row
from clickthrough.data.form import ForcedType, TableForm
from clickthrough.data.header import column_names
from clickthrough.data.joins import joined
from clickthrough.data.later_form import LaterForm
from clickthrough.data.moments import moment
from clickthrough.data.scan import (
    as_it_is,
    check_types,
    first_row_of,
    scan,
    typed,
)
from clickthrough.data.tabular import table_form, with_lists
from clickthrough.data.unpack import Plain, has_types
from clickthrough.data.written_numbers import typed_texts
from clickthrough.errors import DataError
from clickthrough.features.gather import APART, RawColumns
from clickthrough.features.lists import ListBlock
from clickthrough.features.rows import LISTS, RowColumns, Scalar
from clickthrough.features.unknown import nothing_known
from clickthrough.schema import FieldType, Schema
from clickthrough.time_range import possible, why_not

_CHUNK = 5_000
_ROW, _KEPT = "__row", "kept:"
_SECONDS = TimeFormat(unit="s")


@dataclass(frozen=True)
class Impressions:
    """Impressions of a file.

    Attributes:
        frame: ``__row`` (the header is row 1), the columns of the file and of its side tables, and
            each field that it has as ``field:`` and our name.
        columns: of the file.
        fields: ours, those that it has.
        kinds: their types.
        ignored: columns that mean nothing to the schema.
        notes: how it was read, where that is not as the log was.
    """

    frame: pl.LazyFrame
    columns: list[str]
    fields: list[str]
    kinds: Mapping[str, FieldType]
    ignored: list[str]
    notes: list[str]

    def parts(self, keep: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield all rows, in their order.

        Args:
            keep: columns of the file that are kept beside.
        """
        frame = self._told(keep)
        yield from frame.collect_batches(chunk_size=_CHUNK, maintain_order=True)

    def together(self, keep: Sequence[str]) -> pl.DataFrame:
        """Return all rows, those of a request side by side; see :meth:`parts`."""
        request = pl.col(_of("request_id"))
        first = pl.when(request.is_null()).then(_ROW).otherwise(pl.col(_ROW).min().over(request))
        return self._told(keep).sort(first, _ROW).collect()

    def said_of(self, part: pl.DataFrame) -> RowColumns:
        """Return what rows say."""
        columns: RawColumns = {}
        listed: dict[FieldType, dict[str, pl.Series]] = {}
        for name in self.fields:
            own, kind = part[_of(name)], self.kinds.get(name, "str")
            if kind in LISTS and name != "time":
                listed.setdefault(kind, {})[name] = own
            else:
                columns[name] = own.to_list()
        moments: Any = columns.get("time")
        lists = {kind: _gathered(some) for kind, some in listed.items()}
        return RowColumns(columns, part[_ROW].to_list(), moments, lists)

    def beside_of(self, part: pl.DataFrame) -> dict[str, Sequence[object]]:
        """Return what is kept of the rows."""
        kept = [name for name in part.columns if name.startswith(_KEPT)]
        return {name.removeprefix(_KEPT): part[name].to_list() for name in kept}

    def requests_of(self, part: pl.DataFrame) -> list[str | None]:
        """Return the request that each row names."""
        if "request_id" not in self.fields:
            return [None] * len(part)
        return part[_of("request_id")].to_list()

    def _told(self, keep: Sequence[str]) -> pl.LazyFrame:
        kept = [pl.col(name).alias(_KEPT + name) for name in keep]
        fields = map(_of, self.fields)
        return self.frame.select(_ROW, *kept, *fields)

    def is_whole(self) -> bool:
        """Say whether the rows of each request stand one after another."""
        if "request_id" not in self.fields:
            return True
        ids = self.frame.select(pl.col(_of("request_id")).alias("id"))
        begins = (pl.col("id") != pl.col("id").shift()).fill_null(True)
        known = pl.col("id").is_not_null()
        found = ids.select(
            runs=(begins & known).sum(), distinct=pl.col("id").filter(known).n_unique()
        )
        runs, distinct = found.collect(engine="streaming").row(0)
        return bool(runs == distinct)


def read_impressions(
    source: Path, schema: Schema, known: Sequence[str], data: TabularData | None, plain: Plain
) -> Impressions:
    """Open a file of impressions.

    Args:
        source: a table file, plain or compressed.
        schema: of the log that the reader of these impressions was made of.
        known: our names of the fields that are wanted.
        data: how that log was written, where it was a table.
        plain: makes compressed files plain; they must stay so until all is read.

    Raises:
        DataError: it cannot be read, none of its columns is known, or a value has not the type of
            its field: names the row.
    """
    is_typed = has_types(source)
    aliases = _aliases(schema, known)
    as_was = TableForm() if data is None else table_form(data)
    names = None if data is None else data.columns
    later = LaterForm(as_was, aliases, names)
    form = replace(as_was, columns=None) if is_typed else later.of(source)
    aliases = _without_doubles(aliases, _names_in(source, form, plain), schema)
    texts = _texts(_types(schema, aliases, csv_lists=not is_typed))
    frame = scan(source, replace(form, types=texts), plain)
    told = [] if is_typed else later.differences(form)
    table = _Table(frame, str(source), first_row_of(source, form), not is_typed, plain, told)
    return _impressions(table, schema, known, data)


def impressions_of_frame(
    rows: pl.DataFrame, schema: Schema, known: Sequence[str], data: TabularData | None, name: str
) -> Impressions:
    """Take a frame for impressions, as a Parquet file of its rows is; see :func:`read_impressions`.

    Args:
        rows: an impression a row.
        schema: see there.
        known: see there.
        data: see there.
        name: how errors call it.
    """
    aliases = _without_doubles(_aliases(schema, known), rows.columns, schema)
    types = _types(schema, aliases, csv_lists=False)
    texts = {own: kind for own, kind in _texts(types).items() if own in rows.columns}
    form = TableForm() if data is None else replace(table_form(data), types=texts)
    frame = typed(typed_texts(rows.lazy(), form, name, 1), texts, name, 1)
    return _impressions(_Table(frame, name, 1, False, as_it_is, []), schema, known, data)


@dataclass(frozen=True)
class _Table:
    """A table of impressions, its texts cast.

    Attributes:
        name: how errors call it.
        first: the number of its first row.
        is_csv: whether lists are texts in it.
        plain: makes compressed side tables plain.
        told: how it was read, where that is not as the log was.
    """

    frame: pl.LazyFrame
    name: str
    first: int
    is_csv: bool
    plain: Plain
    told: list[str]


def _impressions(
    table: _Table, schema: Schema, known: Sequence[str], data: TabularData | None
) -> Impressions:
    frame, columns = table.frame, table.frame.collect_schema().names()
    aliases = _without_doubles(_aliases(schema, known), columns, schema)
    if not any(aliases.get(name) in known for name in columns):
        raise DataError(f"{table.name}: {_nothing_known(columns, schema, known)}")
    types = _types(schema, aliases, csv_lists=table.is_csv)
    texts = _texts(types)
    numbers = {name: types[name] for name in columns if name in types and name not in texts}
    check_types(frame, numbers, table.name, table.first)
    written = {n: kind for n, kind in numbers.items() if frame.collect_schema()[n] == pl.String}
    frame = typed(frame, written, table.name, table.first)
    frame = _by_owners_names(frame, schema, aliases)
    frame = _with_sides(frame, data, table.plain)
    names = _named(frame.collect_schema().names(), schema, aliases)
    frame = frame.with_row_index(_ROW, offset=table.first)
    frame = frame.with_columns(pl.col(name).alias(_of(ours)) for ours, name in names.items())
    if data is not None and table.is_csv:
        lists = {ours: data.lists[n] for ours, n in names.items() if n in data.lists}
        frame = with_lists(frame, {_of(ours): form for ours, form in lists.items()})
    frame = frame.with_columns(_fields(frame, names, schema, table.name))
    floats = [_of(ours) for ours in names if schema.fields.get(ours) == "float"]
    frame = frame.with_columns(finite(floats))
    meaningless = {schema.roles.get("label"), "label"}
    ignored = [name for name in columns if name not in aliases and name not in meaningless]
    return Impressions(frame, columns, list(names), schema.fields, ignored, table.told)


def _aliases(schema: Schema, known: Sequence[str]) -> dict[str, str]:
    """Return the names by which fields that are wanted may go, with ours."""
    return {name: ours for name, ours in schema.aliases().items() if ours in (*known, *APART)}


def _texts(types: Mapping[str, ForcedType]) -> dict[str, ForcedType]:
    return {name: kind for name, kind in types.items() if kind == "str"}


def _gathered(lists: Mapping[str, pl.Series]) -> ListBlock:
    """Gather lists of a type: sooner than a Python list a row."""
    lengths, entries = list[int](), list[Scalar]()
    for own in lists.values():
        lengths += own.list.len().fill_null(0).to_list()
        entries += own.explode(empty_as_null=False, keep_nulls=False).to_list()
    return ListBlock({name: len(own) for name, own in lists.items()}, lengths, entries)


def _of(name: str) -> str:
    return f"field:{name}"


def _names_in(source: Path, form: TableForm, plain: Plain) -> list[str]:
    """Return the names of a file's columns before its values are read."""
    if has_types(source):
        return scan(source, TableForm(), plain).collect_schema().names()
    made = plain(source, form)
    return list(form.columns or column_names(first_row(made, str(source), form.separator)))


def _without_doubles(
    aliases: dict[str, str], columns: Sequence[str], schema: Schema
) -> dict[str, str]:
    """Leave out our name of a field where a file has the owner's: there it names another column."""
    return {
        name: ours
        for name, ours in aliases.items()
        if name == schema.input_name(ours) or schema.input_name(ours) not in columns
    }


def _types(schema: Schema, aliases: dict[str, str], csv_lists: bool) -> dict[str, ForcedType]:
    """Return the types that columns must have."""
    types: dict[str, ForcedType] = {}
    for name, ours in aliases.items():
        kind: FieldType | None = schema.fields.get(ours)
        if ours == "request_id" and kind != "str":
            continue  # of a request only its name matters, whatever the log's were
        if kind in ("int", "float", "str"):
            types[name] = kind
        elif kind in LISTS and csv_lists:
            types[name] = "str"
    return types


def _by_owners_names(frame: pl.LazyFrame, schema: Schema, aliases: dict[str, str]) -> pl.LazyFrame:
    """Give columns that go by our names the owner's beside."""
    names = frame.collect_schema().names()
    owners = {name: schema.input_name(aliases[name]) for name in names if name in aliases}
    return frame.with_columns(
        pl.col(name).alias(owner) for name, owner in owners.items() if owner not in names
    )


def _with_sides(frame: pl.LazyFrame, data: TabularData | None, plain: Plain) -> pl.LazyFrame:
    """Add the columns of side tables that lie where they lay, unless the file has its own."""
    if data is None:
        return frame
    form = table_form(data)  # written as the log was
    for join in data.joins:
        held = set(frame.collect_schema().names())
        if join.file.is_file() and set(join.on) <= held and not held & set(join.columns or []):
            frame, _ = joined(frame, join, form, plain)
    return frame


def _named(columns: Sequence[str], schema: Schema, aliases: dict[str, str]) -> dict[str, str]:
    """Return which column each of our fields is, by the owner's name."""
    return {aliases[name]: schema.input_name(aliases[name]) for name in columns if name in aliases}


def _fields(
    frame: pl.LazyFrame, names: dict[str, str], schema: Schema, source: str
) -> list[pl.Expr]:
    """Return each field as its type is held; a time that cannot be read is refused."""
    types = frame.collect_schema()
    made = []
    for ours, name in names.items():
        found = types[_of(ours)]
        if ours == "time":
            made.append(_times(frame, name, schema, source).alias(_of(ours)))
            continue
        kind = schema.fields.get(ours, "str")
        if ours == "request_id" and found == pl.String:
            kind = "str"
        if kind in LISTS and isinstance(found, pl.Null | pl.Array):  # none of them, or all as long
            made.append(canonical(pl.col(_of(ours)).cast(pl.List(_entries(found))), kind))
            continue
        if (kind in LISTS) != isinstance(found, pl.List):
            raise DataError(f"{source}: column '{name}': expected {kind}, found {found}")
        made.append(canonical(pl.col(_of(ours)), kind))
    return made


def _entries(dtype: pl.DataType) -> PolarsDataType:
    return dtype.inner if isinstance(dtype, pl.Array) else pl.Null()


def _times(frame: pl.LazyFrame, name: str, schema: Schema, source: str) -> pl.Expr:
    """Return the moments of a column; the first that is none, or cannot be, is refused."""
    dtype, form = frame.collect_schema()[name], schema.time
    if dtype.is_numeric() and form.unit == "iso" and form.format is None:
        form = _SECONDS  # as of a caller who sends a number where the log's times are texts
    try:
        read = moment(pl.col(name), dtype, form)
    except DataError as error:
        raise DataError(f"{source}: {error}") from None
    low, high = within = possible(schema, time.time_ns() // 1_000)
    odd = pl.col(name).is_not_null() & (read.is_null() | ~read.is_between(low, high))
    found = frame.filter(odd).select(_ROW, name, read.alias("__read")).head(1)
    for row, value, micros in found.collect(engine="streaming").iter_rows():
        why = f"{value!r} is no time of the log's"
        if micros is not None:
            why = why_not(value, micros, schema, within)
        raise DataError(f"{source}: row {row}, column '{name}': {why}")
    return read


def _nothing_known(columns: Sequence[str], schema: Schema, known: Sequence[str]) -> str:
    fields = [schema.input_name(name) for name in known]
    return nothing_known("none of its columns is known to the model", columns, fields)
