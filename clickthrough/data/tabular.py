"""Any log with one impression a row: CSV or Parquet, columns named by role, side tables."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from clickthrough.config.base import unknown_name
from clickthrough.config.data import Join, TabularData, TimeFormat
from clickthrough.data.columns import canonical, field_type
from clickthrough.data.raw import RawLog
from clickthrough.errors import DataError
from clickthrough.schema import Role, Schema, to_microseconds, unit_microseconds


def files(config: TabularData) -> list[Path]:
    """Return the files that the reader needs."""
    logs = [path for _, path in _logs(config)]
    return [*logs, *(join.file for join in config.joins)]


def read(config: TabularData) -> RawLog:
    """Open the log.

    Raises:
        DataError: a file is unreadable, lacks a column or has one of a type that no field has.
    """
    parts = [_part(path, part, config) for part, path in _logs(config)]
    name = ", ".join(str(path) for _, path in _logs(config))
    frame = _united(parts, name)
    for join in config.joins:
        frame = _joined(frame, join, config)
    frame = _with_lists(frame, config, name)
    roles = _roles(config)
    _need(frame, list(roles.values()), name)
    schema = _schema(frame, roles, config, name)
    return RawLog(
        name, _impressions(frame, schema, config), schema, divided=config.files is not None
    )


def _logs(config: TabularData) -> list[tuple[int | None, Path]]:
    if config.files is None:
        return [(None, config.path or Path())]
    given = (config.files.train, config.files.validation, config.files.test)
    return [(part, path) for part, paths in enumerate(given) for path in paths]


def _with_lists(frame: pl.LazyFrame, config: TabularData, name: str) -> pl.LazyFrame:
    """Divide the texts that hold several values."""
    _need(frame, list(config.lists), name)
    types = {"int": pl.Int64, "float": pl.Float64, "str": pl.String}
    divided = [
        _entries(pl.col(column).cast(pl.String), form.separator).cast(pl.List(types[form.of]))
        for column, form in config.lists.items()
    ]
    return frame.with_columns(divided)


def _entries(text: pl.Expr, separator: str) -> pl.Expr:
    """Divide a text; an empty entry is null, as an empty text is."""
    entry = pl.element()
    entries = text.str.split(separator).list.eval(pl.when(entry != "").then(entry))
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


def _part(path: Path, part: int | None, config: TabularData) -> pl.LazyFrame:
    frame = scan(path, config.separator, texts=list(config.lists))
    return frame if part is None else frame.with_columns(pl.lit(part, pl.Int8).alias("part"))


def _united(parts: list[pl.LazyFrame], name: str) -> pl.LazyFrame:
    frame = pl.concat(parts, how="vertical_relaxed")
    try:
        frame.collect_schema()
    except pl.exceptions.PolarsError:
        raise DataError(f"{name}: the files differ in the names or types of columns") from None
    return frame


def scan(path: Path, separator: str = ",", texts: Sequence[str] = ()) -> pl.LazyFrame:
    """Open a CSV or Parquet file, told apart by its suffix.

    Args:
        path: the file.
        separator: of a CSV.
        texts: columns of a CSV that are read as texts, even where they look like numbers.

    Raises:
        DataError: the file is unreadable or empty.
    """
    try:
        if path.suffix == ".parquet":
            frame = pl.scan_parquet(path)
        else:
            types = dict.fromkeys(texts, pl.String)
            frame = pl.scan_csv(
                path, separator=separator, infer_schema_length=None, schema_overrides=types
            )
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        kind = "Parquet" if path.suffix == ".parquet" else "CSV"
        raise DataError(f"{path}: not readable as {kind}: {error}") from None
    return frame


def _joined(frame: pl.LazyFrame, join: Join, config: TabularData) -> pl.LazyFrame:
    side = scan(join.file, config.separator, texts=list(config.lists))
    _need(side, [*join.on, *(join.columns or [])], str(join.file))
    _need(frame, join.on, "the log")
    if join.columns is not None:
        side = side.select(*join.on, *join.columns)
    side = _with_keys_as_in(frame, side, join)
    keys = side.select(pl.struct(join.on).is_duplicated().sum()).collect().item()
    if keys:
        raise DataError(
            f"{join.file}: {keys} rows share their {', '.join(join.on)} with another; "
            "a side table needs one row a key"
        )
    return frame.join(side, on=join.on, how="left", maintain_order="left")


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


def _need(frame: pl.LazyFrame, columns: list[str], name: str) -> None:
    known = frame.collect_schema().names()
    for column in columns:
        if column not in known:
            raise DataError(f"{name}: {unknown_name(column, 'column', known)}")


def _schema(frame: pl.LazyFrame, roles: dict[Role, str], config: TabularData, name: str) -> Schema:
    types = frame.collect_schema()
    ours = {column: role for role, column in roles.items()}
    _need(frame, config.drop, name)
    fields = {}
    for column, dtype in types.items():
        role = ours.get(column)
        if role in ("time", "label") or column == "part" or column in config.drop:
            continue
        kind = field_type(column, dtype, name)
        # an id that has gaps is read as a fraction: 118.0 is the id 118
        fields[role or column] = "int" if role and kind == "float" else kind
    return Schema(roles=roles, fields=fields, time=config.time)


def _impressions(frame: pl.LazyFrame, schema: Schema, config: TabularData) -> pl.LazyFrame:
    fields = [
        canonical(pl.col(schema.input_name(name)), kind).alias(name)
        for name, kind in schema.fields.items()
    ]
    time = pl.lit(0, pl.Int64)
    if "time" in schema.roles:
        column = schema.roles["time"]
        time = _moment(pl.col(column), frame.collect_schema()[column], config.time)
    label = pl.col(schema.roles["label"]).cast(pl.Float64)
    extra = [pl.col("part")] if config.files else []
    return frame.select(*fields, time.alias("time"), label.alias("label"), *extra)


def _moment(column: pl.Expr, dtype: pl.DataType, form: TimeFormat) -> pl.Expr:
    """Return microseconds since 1970 UTC; what cannot be read becomes null."""
    if isinstance(dtype, pl.Datetime):
        return column.dt.epoch("us")
    if dtype == pl.Date:
        return column.cast(pl.Datetime("us")).dt.epoch("us")
    if dtype == pl.String:
        return column.str.to_datetime(time_unit="us", time_zone="UTC", strict=False).dt.epoch("us")
    if form.unit == "iso":
        raise DataError(
            f"column '{column.meta.output_name()}' holds numbers; say what they count with "
            "'time: {unit: s | ms | us, origin: ...}'"
        )
    micros = column * unit_microseconds(form)
    return micros.round().cast(pl.Int64) + to_microseconds(form.origin)
