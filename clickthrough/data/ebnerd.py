"""The EB-NeRD news log: impressions of Ekstra Bladet (RecSys Challenge 2024).

``behaviors.parquet`` holds a request a row: the page, the user and the list of articles in
view. An article in view is an impression; it is a click where it is among the clicked ones.
``history.parquet`` holds what each user read before.
"""

from pathlib import Path

import polars as pl

from clickthrough.config.data import EbnerdData, TimeFormat
from clickthrough.data.columns import canonical, field_type
from clickthrough.data.raw import RawLog
from clickthrough.errors import DataError
from clickthrough.schema import Role, Schema

ROLES: dict[Role, str] = {
    "request_id": "impression_id",
    "time": "impression_time",
    "user": "user_id",
    "item": "article_ids_inview",
    "label": "article_ids_clicked",
}
NEVER = ("next_read_time", "next_scroll_percentage", "read_time", "scroll_percentage")
"""Known only after the candidates were shown: how long the page was read, and the next one."""


def files(config: EbnerdData) -> list[Path]:
    """Return the files that the reader needs."""
    return [config.path / "behaviors.parquet", config.path / "history.parquet"]


def read(config: EbnerdData) -> RawLog:
    """Open the log.

    Raises:
        DataError: a file is unreadable or lacks a column.
    """
    behaviors, history = files(config)
    frame = _scan(behaviors, list(ROLES.values()))
    types = frame.collect_schema()
    plain = [name for name in types if name not in {*NEVER, *ROLES.values()}]
    fields = {name: field_type(name, types[name], str(behaviors)) for name in plain}
    schema = Schema(
        roles=ROLES,
        fields={"request_id": "int", "user": "int", "item": "int", **fields},
        time=TimeFormat(unit="iso"),
    )
    return RawLog(
        name=str(behaviors),
        impressions=_impressions(frame, schema, plain),
        schema=schema,
        history=_history(history),
        notes=tuple(_notes(frame, behaviors)),
    )


def _notes(frame: pl.LazyFrame, path: Path) -> list[str]:
    """Say what of the requests can be no impression.

    Raises:
        DataError: the file is cut, or its lists are none.
    """
    shown, clicked = pl.col(ROLES["item"]), pl.col(ROLES["label"])
    try:
        empty, strange = (
            frame.select(
                (shown.list.len().fill_null(0) == 0).sum(),
                (clicked.list.set_difference(shown).list.len() > 0).sum().alias("strange"),
            )
            .collect(engine="streaming")
            .row(0)
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    lines = []
    if empty:
        lines.append(f"{path}: {empty} requests without an article in view are left out")
    if strange:
        lines.append(f"{path}: {strange} requests have clicks on articles that were not in view")
    return lines


def _impressions(frame: pl.LazyFrame, schema: Schema, plain: list[str]) -> pl.LazyFrame:
    exploded = frame.filter(pl.col(ROLES["item"]).list.len() > 0).select(
        pl.col(ROLES["request_id"]).cast(pl.Int64).alias("request_id"),
        pl.col(ROLES["time"]).dt.epoch("us").alias("time"),
        pl.col(ROLES["user"]).cast(pl.Int64).alias("user"),
        pl.col(ROLES["item"]).alias("item"),
        pl.col(ROLES["label"]).alias("clicked"),
        *(canonical(pl.col(name), schema.fields[name]) for name in plain),
    )
    rows = exploded.explode("item")
    label = pl.col("clicked").list.contains(pl.col("item")).cast(pl.Int8).alias("label")
    return rows.with_columns(label, pl.col("item").cast(pl.Int64)).drop("clicked")


def _history(path: Path) -> pl.LazyFrame:
    columns = {"user_id": "user", "impression_time_fixed": "time", "article_id_fixed": "item"}
    rows = _scan(path, list(columns)).select(*columns).rename(columns)
    rows = rows.filter(pl.col("item").list.len() > 0).explode("time", "item")
    return rows.select(
        pl.col("user").cast(pl.Int64), pl.col("time").dt.epoch("us"), pl.col("item").cast(pl.Int64)
    )


def _scan(path: Path, needed: list[str]) -> pl.LazyFrame:
    try:
        frame = pl.scan_parquet(path)
        names = frame.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: not readable as Parquet: {error}") from None
    missing = [name for name in needed if name not in names]
    if missing:
        raise DataError(f"{path}: lacks {', '.join(missing)}; found {', '.join(names)}")
    return frame
