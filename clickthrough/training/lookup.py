"""The side tables that a bundle holds: of those that ``serving.lookup`` names what is read."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from clickthrough.config.base import unknown_name
from clickthrough.data.dataset import Dataset
from clickthrough.data.raw import key_columns
from clickthrough.errors import ConfigError
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import Plan
from clickthrough.features.sides import SideForm, SideTable, Way, packed

_ROWS = 50_000
"""Rows that are packed at once."""


def chosen(lookup: Mapping[str, Sequence[str]], dataset: Dataset) -> list[SideForm]:
    """Return the tables that a configuration names, in the order in which the log was joined.

    Args:
        lookup: table -> the fields by which it is read, by the log's names or ours.
        dataset: the log.

    Raises:
        ConfigError: the log has no such table, or it is not read by these fields.
    """
    names = [form.name for form in dataset.sides]
    for name in lookup:
        if not names:
            raise ConfigError(f"serving.lookup: '{name}': the log has no table with a key")
        if name not in names:
            raise ConfigError(f"serving.lookup: {unknown_name(name, 'table', names)}")
        if names.count(name) > 1:
            raise ConfigError(f"serving.lookup: '{name}': so are {names.count(name)} tables called")
    return [
        form.model_copy(update={"ways": _ways(form, lookup[form.name], dataset)})
        for form in dataset.sides
        if form.name in lookup
    ]


def _ways(form: SideForm, by: Sequence[str], dataset: Dataset) -> tuple[Way, ...]:
    """Return the ways to read a table that have keys of some fields."""
    schema = dataset.schema
    ours = [schema.aliases().get(name, name) for name in by]
    ways = [way for way in form.ways if set(way.key) <= set(ours)]
    if not ways or {*ours} - {name for way in ways for name in way.key}:
        keys = [" and ".join(map(schema.input_name, way.key)) for way in form.ways]
        found = ", ".join(by) or "nothing"
        raise ConfigError(
            f"serving.lookup: '{form.name}' is read by {', '.join(keys)}; found {found}"
        )
    return tuple(ways)


def side_tables(forms: Sequence[SideForm], dataset: Dataset, plan: Plan) -> list[SideTable]:
    """Return tables with what a model reads of them, a row a key.

    Args:
        forms: see :func:`chosen`; one that says nothing that is read is left out.
        dataset: the log.
        plan: what the model reads.
    """
    needed = {*plan.fields, "item"}
    kept: list[SideForm] = []
    for form in reversed(forms):
        ways = []
        for way in reversed(form.ways):
            gives = {column: name for column, name in way.gives.items() if name in needed}
            if gives:
                needed.update(way.key)
                ways.append(way.model_copy(update={"gives": gives}))
        read = {column for way in ways for column in way.gives}
        columns = tuple(column for column in form.columns if column in read)
        if columns:
            said = {"columns": columns, "ways": tuple(reversed(ways))}
            kept.append(form.model_copy(update=said))
    sources = {form.name: dataset.side(form) for form in dataset.sides}
    return [SideTable(f, _packed(f, sources[f.name], plan, dataset.path)) for f in reversed(kept)]


def _packed(form: SideForm, rows: pl.LazyFrame, plan: Plan, folder: Path) -> Snapshot:
    """Return the rows of a table by key; of lists what the model reads.

    Args:
        form: what of it is kept.
        rows: the table.
        plan: what the model reads.
        folder: where there is room.
    """
    keys, lengths = key_columns(form), plan.list_lengths
    columns = [_cut(c, [n for way in form.ways if (n := way.gives.get(c))], lengths)
               for c in form.columns]  # fmt: skip
    return Snapshot.of_pairs(_rows(rows.select(*keys, *columns), len(keys)), folder)


def _cut(column: str, fields: Collection[str], lengths: Mapping[str, int]) -> pl.Expr:
    longest = max((lengths.get(name, 0) for name in fields), default=0)
    return pl.col(column).list.head(longest) if longest else pl.col(column)


def _rows(rows: pl.LazyFrame, keys: int) -> Iterator[tuple[bytes, bytes]]:
    for part in rows.collect_batches(chunk_size=_ROWS):
        for row in part.iter_rows():
            yield packed(row[:keys]), packed(row[keys:])
