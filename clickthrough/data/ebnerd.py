"""The EB-NeRD news log: impressions of Ekstra Bladet (RecSys Challenge 2024).

``behaviors.parquet`` holds a request a row: the page, the user and the list of articles in
view. An article in view is an impression; it is a click where it is among the clicked ones.
``history.parquet`` holds what each user read before. Several directories, such as one a week, are
one log.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from clickthrough import parquet
from clickthrough.config.data import EbnerdData, TimeFormat
from clickthrough.data.columns import canonical, field_type
from clickthrough.data.raw import RawLog
from clickthrough.errors import DataError
from clickthrough.schema import FieldType, Role, Schema

ROLES: dict[Role, str] = {
    "request_id": "impression_id",
    "time": "impression_time",
    "user": "user_id",
    "item": "article_ids_inview",
    "label": "article_ids_clicked",
}
NEVER = ("next_read_time", "next_scroll_percentage", "read_time", "scroll_percentage")
"""Known only after the candidates were shown: how long the page was read, and the next one."""


COPIES = 1.5
"""What all copies of a conversion take of the bytes of the files."""
_BEHAVIORS, _HISTORY = "behaviors.parquet", "history.parquet"
_PARTS = ("train", "validation")
"""Directories of the release, each with files of its own."""


def files(config: EbnerdData) -> list[Path]:
    """Return the files that the reader needs."""
    return [week / name for week in weeks(config) for name in (_BEHAVIORS, _HISTORY)]


def weeks(config: EbnerdData) -> list[Path]:
    """Return the directories that hold the files."""
    found = []
    for path in config.paths:
        parts = [path / part for part in _PARTS if (path / part / _BEHAVIORS).is_file()]
        found += [path] if (path / _BEHAVIORS).is_file() or not parts else parts
    return found


def read(config: EbnerdData) -> RawLog:
    """Open the log.

    Raises:
        DataError: a file is unreadable or lacks a column.
    """
    behaviors = [week / _BEHAVIORS for week in weeks(config)]
    frames = [_scan(path, list(ROLES.values())) for path in behaviors]
    fields = _fields(frames, behaviors)
    schema = Schema(
        roles=ROLES,
        fields={"request_id": "int", "user": "int", "item": "int", **fields},
        time=TimeFormat(unit="iso"),
    )
    notes = [note for one in zip(frames, behaviors, strict=True) for note in _notes(*one)]
    history, told = _united_history([_history(week / _HISTORY) for week in weeks(config)], frames)
    return RawLog(
        name=", ".join(map(str, behaviors)),
        impressions=[_impressions(frame, schema, list(fields)) for frame in frames],
        schema=schema,
        history=history,
        notes=(*notes, *told),
    )


def _fields(frames: Sequence[pl.LazyFrame], paths: Sequence[Path]) -> dict[str, FieldType]:
    """Return the fields beside those of roles, which all files must have.

    Raises:
        DataError: a file has others than the first, or of other types: names it.
    """
    first: dict[str, FieldType] | None = None
    for frame, path in zip(frames, paths, strict=True):
        types = frame.collect_schema()
        plain = [name for name in types if name not in {*NEVER, *ROLES.values()}]
        own = {name: field_type(name, types[name], str(path)) for name in plain}
        first = own if first is None else first
        odd = [name for name in {**first, **own} if first.get(name) != own.get(name)]
        if odd:
            there, here = (one.get(odd[0], "no column") for one in (first, own))
            raise DataError(
                f"{path}: '{odd[0]}' is {here}, in {paths[0]} it is {there}; expected the same "
                "columns, for both are one log"
            )
    return first or {}


def _united_history(
    frames: Sequence[pl.LazyFrame], behaviors: Sequence[pl.LazyFrame]
) -> tuple[pl.LazyFrame, list[str]]:
    """Unite what users read before several weeks: each entry once, and none from within the log.

    What is read while the log runs is told by its own clicks, and would count twice.
    """
    if len(frames) == 1:
        return frames[0], []
    first = [frame.select(pl.col(ROLES["time"]).dt.epoch("us").min()) for frame in behaviors]
    begins = pl.concat(first).min().collect().item()
    before = [frame.filter(pl.col("time") < begins) for frame in frames]
    apart = [
        frame.join(pl.concat(before[:place]), on=frame.collect_schema().names(), how="anti")
        for place, frame in enumerate(before)
        if place
    ]
    within = pl.concat(frames).select((pl.col("time") >= begins).sum())
    dropped = within.collect(engine="streaming").item()
    line = f"{dropped:,} entries of the histories lie within the log, whose clicks tell of them"
    return pl.concat([before[0], *apart]), [line] if dropped else []


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
        frame = parquet.scan(path)
        names = frame.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: not readable as Parquet: {error}") from None
    missing = [name for name in needed if name not in names]
    if missing:
        raise DataError(f"{path}: lacks {', '.join(missing)}; found {', '.join(names)}")
    return frame
