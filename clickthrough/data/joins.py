"""Side tables: one row a key, whose columns are added to each impression."""

from dataclasses import replace

import polars as pl

from clickthrough.config.data import Join
from clickthrough.data.columns import canonical, finite
from clickthrough.data.form import TableForm
from clickthrough.data.raw import Side, key_columns
from clickthrough.data.scan import need, scan
from clickthrough.data.unpack import Plain
from clickthrough.errors import DataError
from clickthrough.features.sides import KEYS, SideForm, Way
from clickthrough.schema import Schema


def joined(
    frame: pl.LazyFrame, join: Join, form: TableForm, plain: Plain
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Add a side table's columns to the rows of a log.

    Args:
        frame: the log.
        join: file, key and columns of the side table; a CSV of it has a header.
        form: how the log is written.
        plain: makes compressed files plain.

    Returns:
        The log, and the side table with its columns called as they are there.

    Raises:
        DataError: the side table is unreadable, lacks a column, or has several rows a key.
    """
    own = replace(form, columns=None, separator=join.separator or form.separator)
    side = scan(join.file, own, plain)
    need(side, [*join.on, *(join.columns or [])], str(join.file))
    need(frame, join.on, "the log")
    if join.columns is not None:
        side = side.select(*join.on, *join.columns)
    side = _with_keys_as_in(frame, side, join)
    keys = side.select(pl.struct(join.on).is_duplicated().sum()).collect().item()
    if keys:
        raise DataError(
            f"{join.file}: {keys} rows share their {', '.join(join.on)} with another; "
            "a side table needs one row a key"
        )
    made = frame.join(side, on=join.on, how="left", maintain_order="left")
    added = made.collect_schema().names()[len(frame.collect_schema()) :]
    given = [name for name in side.collect_schema().names() if name not in join.on]
    return made, side.rename(dict(zip(given, added, strict=True)))


def side_of(join: Join, rows: pl.LazyFrame, schema: Schema) -> Side | None:
    """Return a side table as a service can read it; None where no field of the log is its key.

    Args:
        join: says what its key is.
        rows: the table, with its columns called as they are in the log, lists divided.
        schema: of the log.
    """
    ours = {schema.input_name(name): name for name in schema.fields if name != "request_id"}
    key = [ours.get(name, "") for name in join.on]
    if not all(schema.fields.get(name) in KEYS for name in key):
        return None
    names = [n for n in rows.collect_schema().names() if n in ours and n not in join.on]
    gives = {ours[name]: ours[name] for name in names}
    form = SideForm(
        name=join.file.name, columns=tuple(gives), ways=(Way(key=tuple(key), gives=gives),)
    )
    columns = zip([*join.on, *names], [*key, *gives], strict=True)
    held = [canonical(pl.col(n), schema.fields[f], strict=False) for n, f in columns]
    called = [*key_columns(form), *gives]
    made = rows.select(value.alias(name) for value, name in zip(held, called, strict=True))
    floats = [name for name in gives if schema.fields[name] == "float"]
    known = pl.all_horizontal(pl.col(name).is_not_null() for name in key_columns(form))
    return Side(form, made.with_columns(finite(floats)).filter(known))


def _with_keys_as_in(frame: pl.LazyFrame, side: pl.LazyFrame, join: Join) -> pl.LazyFrame:
    """Give a side table's keys the types of the log's: one may hold 118 and the other 118.0."""
    ours, theirs = frame.collect_schema(), side.collect_schema()
    for key in join.on:
        numbers = ours[key].is_numeric() and theirs[key].is_numeric()
        if ours[key] != theirs[key] and not numbers:
            raise DataError(
                f"{join.file}: column '{key}' has the type {theirs[key]}, in the log {ours[key]}"
            )
    return side.with_columns(pl.col(key).cast(ours[key]) for key in join.on)
