"""Any log with one impression a row: a table file, columns named by role, side tables."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from clickthrough.config.data import OURS, Dialect, ListFormat, TabularData
from clickthrough.data.columns import canonical, field_type, holds
from clickthrough.data.form import ForcedType, TableForm
from clickthrough.data.formats import refuse_other_formats
from clickthrough.data.ids import refuse_lost_ids
from clickthrough.data.joins import joined, side_of
from clickthrough.data.kinds import is_unfit
from clickthrough.data.labels import Click, clicked
from clickthrough.data.lines import notes_of
from clickthrough.data.log_files import files_of, log_files, passed_over
from clickthrough.data.moments import moment
from clickthrough.data.raw import RawLog
from clickthrough.data.scan import as_it_is, need, need_roles
from clickthrough.data.united import united
from clickthrough.data.unpack import Plain, is_lines
from clickthrough.data.untyped import untyped
from clickthrough.errors import DataError
from clickthrough.schema import Role, Schema

_TYPES = {"int": pl.Int64, "float": pl.Float64, "str": pl.String}


def files(config: TabularData) -> list[Path]:
    """Return the files that the reader needs."""
    return [*(path for _, path in logs(config)), *(join.file for join in config.joins)]


def read(config: TabularData, plain: Plain = as_it_is) -> RawLog:
    """Open the log.

    Args:
        config: the data section.
        plain: makes compressed files plain; they must stay so until the log is converted.

    Raises:
        DataError: a file is unreadable or of another format, lacks a column, has one of a type
            that no field has, or has ids that would be lost.
    """
    for path in files(config):
        refuse_other_formats(path)
    given = {path: part for part, path in logs(config)}
    frames = united([*given], table_form(config), plain)
    if all(map(is_lines, frames)):
        frames = {path: _with_keys(frame, config) for path, frame in frames.items()}
    parts = [
        frame if (part := given[path]) is None else frame.with_columns(_of_part(part))
        for path, frame in frames.items()
    ]
    raw = raw_log(pl.concat(parts), config, _called(config), plain)
    again = [note for paths in _given(config) for path in paths for note in passed_over(path)]
    empty = [f"{path} is passed over: it holds no rows" for path in given if path not in frames]
    return replace(raw, notes=(*again, *empty, *_told([*frames], config, plain), *raw.notes))


def _of_part(part: int) -> pl.Expr:
    return pl.lit(part, pl.Int8).alias("part")


def _with_keys(frame: pl.LazyFrame, config: TabularData) -> pl.LazyFrame:
    """Give JSON lines the columns that are spoken of: a key that no line has is null."""
    held = frame.collect_schema().names()
    spoken = dict.fromkeys([*config.types, *config.lists, *config.drop, *config.numbers])
    types = {name: _TYPES[config.types.get(name, "str")] for name in spoken}
    return frame.with_columns(pl.lit(None, types[n]).alias(n) for n in spoken if n not in held)


def _told(paths: list[Path], config: TabularData, plain: Plain) -> list[str]:
    """Return what is to be told of columns of JSON lines, each once."""
    made = [plain(path) for path in paths if is_lines(path)]
    notes = {column: note for path in made for column, note in notes_of(path).items()}
    return [note for column, note in notes.items() if column not in config.drop]


def raw_log(frame: pl.LazyFrame, config: TabularData, name: str, plain: Plain = as_it_is) -> RawLog:
    """Take a table for a log, whatever it was read from.

    Args:
        frame: an impression a row, columns by the owner's names; ``part`` where it comes divided.
        config: the data section.
        name: how errors call the log.
        plain: makes side tables plain.

    Raises:
        DataError: a column is missing, of a type that no field has, or holds ids that would be
            lost.
    """
    form = table_form(config)
    tables = []
    for join in config.joins:
        frame, table = joined(frame, join, form, plain)
        tables.append(table)
    need(frame, [*config.types, *config.lists, *config.drop, *config.numbers], name)
    frame = with_lists(frame, config.lists)
    roles = _roles(config)
    need_roles(frame, roles, name)
    refuse_lost_ids(frame.drop(config.drop, strict=False), _id_columns(config), name)
    types = frame.collect_schema()
    taken = {
        column: why for column, of in types.items() if (why := _taken(column, of, roles, config))
    }
    empty = _untyped(frame.drop(taken), roles, config)
    schema = _schema(frame.drop(taken, *empty), roles, config, name, empty)
    notes = [f"column '{column}' is left out: {why}" for column, why in taken.items()]
    notes += [f"column '{column}' holds nothing: features of it are left out" for column in empty]
    sides = [
        side_of(join, _divided(table, config.lists), schema)
        for join, table in zip(config.joins, tables, strict=True)
    ]
    return RawLog(
        name,
        _impressions(frame, schema, config, name),
        schema,
        divided=config.files is not None,
        notes=tuple(notes),
        sides=[side for side in sides if side is not None],
        labels=frame.select(roles["label"]),
        click=click_of(config),
    )


def click_of(config: TabularData) -> Click:
    """Return what of the label is a click."""
    return Click(config.label_at_least, tuple(config.label_is or ()))


def _called(config: TabularData) -> str:
    """Return how errors call the log: as its owner does."""
    return ", ".join(str(path) for paths in _given(config) for path in paths)


def _given(config: TabularData) -> list[list[Path]]:
    """Return the paths of the log, those of each part where it comes divided."""
    if config.files is None:
        return [config.paths]
    return [config.files.train, config.files.validation, config.files.test]


def logs(config: TabularData) -> list[tuple[int | None, Path]]:
    """Return the files of the log, each with its part where they come divided.

    Raises:
        DataError: a directory or a pattern holds no table, or a file is taken twice.
    """
    given = _given(config)
    taken = log_files([path for paths in given for path in paths])
    if config.files is None:
        return [(None, path) for path in taken]
    parts = [part for part, paths in enumerate(given) for path in paths for _ in files_of(path)]
    return list(zip(parts, taken, strict=True))


def table_form(config: TabularData) -> TableForm:
    """Return how the files of the log are written."""
    texts: dict[str, ForcedType] = dict.fromkeys(config.lists, "str")
    columns = None if config.columns is None else tuple(config.columns)
    dialect = {name: getattr(config, name) for name in Dialect.model_fields}
    dialect |= {"missing": tuple(config.missing), "numbers": tuple(config.numbers)}
    return TableForm(**dialect, columns=columns, types={**config.types, **texts})


def _id_columns(config: TabularData) -> list[str]:
    """Return the columns that hold ids: those of roles, and the keys of side tables."""
    roles = config.roles
    named = [roles.request_id, roles.user, roles.item, *(key for j in config.joins for key in j.on)]
    return [column for column in named if column is not None]


def with_lists(frame: pl.LazyFrame, lists: Mapping[str, ListFormat]) -> pl.LazyFrame:
    """Divide the texts that hold several values."""
    divided = [
        entries_of(pl.col(column).cast(pl.String), form).cast(pl.List(_TYPES[form.of]))
        for column, form in lists.items()
    ]
    return frame.with_columns(divided)


def _divided(table: pl.LazyFrame, lists: Mapping[str, ListFormat]) -> pl.LazyFrame:
    """Divide the lists of a side table."""
    held = table.collect_schema().names()
    return with_lists(table, {name: form for name, form in lists.items() if name in held})


def entries_of(text: pl.Expr, form: ListFormat) -> pl.Expr:
    """Divide a text; an empty entry is null, as an empty text is; numbers are as in a program."""
    entry = pl.element()
    plain = entry if form.of != "float" else entry.str.replace(form.decimal, ".", literal=True)
    entries = text.str.split(form.separator).list.eval(pl.when(entry != "").then(plain))
    return pl.when(text != "").then(entries)


def _roles(config: TabularData) -> dict[Role, str]:
    roles = config.roles
    named: dict[Role, str | None] = {
        "request_id": roles.request_id,
        "time": roles.time,
        "user": roles.user,
        "item": roles.item,
        "label": roles.label,
    }
    return {role: column for role, column in named.items() if column is not None}


def _untyped(frame: pl.LazyFrame, roles: Mapping[Role, str], config: TabularData) -> list[str]:
    """Return the columns without a role that hold nothing: what they will hold, nobody knows."""
    given = {*config.types, *config.lists, *config.drop, *roles.values(), *OURS}
    return untyped(frame, frozenset(given))


def _schema(
    frame: pl.LazyFrame, roles: dict[Role, str], config: TabularData, name: str, absent: list[str]
) -> Schema:
    types = frame.collect_schema()
    ours = {column: role for role, column in roles.items()}
    fields = {}
    for column, dtype in types.items():
        role = ours.get(column)
        if role in ("time", "label") or column in (*OURS, *config.drop):
            continue
        kind = field_type(column, dtype, name)
        # an id that has gaps is read as a fraction: 118.0 is the id 118
        fields[role or column] = "int" if role and kind == "float" else kind
    own = {ours.get(column, column): marks for column, marks in config.missing_in.items()}
    return Schema(
        roles=roles, fields=fields, time=config.time, absent=absent, missing=config.missing,
        missing_in={name: marks for name, marks in own.items() if name in fields},
    )  # fmt: skip


def _taken(
    column: str, dtype: pl.DataType, roles: Mapping[Role, str], config: TabularData
) -> str | None:
    """Say why a column is no field, or cannot be told from one that has its name; else None."""
    if column in config.drop or column in roles.values():
        return None
    if is_unfit(dtype):
        return f"it {holds(dtype)}, which a field cannot have"
    if column in OURS:
        ours = column == "part" and config.files is not None
        return None if ours else "clickthrough calls a column of its own so"
    other = roles.get(column)  # type: ignore[call-overload]
    if other is not None:
        return f"its name is that of a role, which column '{other}' has"
    if column in ("request_id", "time"):  # of which every log has one, its own or one that is made
        return "its name is that of a role, which 'data.roles' gives to no column"
    return None


def _impressions(
    frame: pl.LazyFrame, schema: Schema, config: TabularData, name: str
) -> pl.LazyFrame:
    fields = [
        canonical(pl.col(schema.input_name(name)), kind).alias(name)
        for name, kind in schema.fields.items()
    ]
    time = pl.lit(0, pl.Int64)
    types = frame.collect_schema()
    if "time" in schema.roles:
        column = schema.roles["time"]
        try:
            time = moment(pl.col(column), types[column], config.time)
        except DataError as error:
            raise DataError(f"{name}: {error}") from None
    own = schema.roles["label"]
    if types[own].is_nested():
        raise DataError(f"{name}: column '{own}' {holds(types[own])}; expected a label, 0 or 1")
    label = clicked(pl.col(own), types[own], click_of(config))
    extra = [pl.col("part")] if config.files else []
    return frame.select(*fields, time.alias("time"), label.alias("label"), *extra)
