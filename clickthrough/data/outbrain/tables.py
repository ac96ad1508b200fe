"""The tables of the competition: where they lie, what they hold, and Parquet made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from clickthrough import parquet
from clickthrough.data.csv_shape import check_csv, first_row
from clickthrough.data.unpack import plain_file
from clickthrough.errors import DataError
from clickthrough.full_disk import is_full

EPOCH_MS = 1_465_876_799_998
"""What the competition's timestamps count from: milliseconds since 1970 UTC."""

_INT, _FLOAT, _TEXT = pl.Int64(), pl.Float64(), pl.String()
_OF_DOCUMENT = {"document_id": _INT}
_CONFIDENCE = {"confidence_level": _FLOAT}
TABLES: Mapping[str, Mapping[str, pl.DataType]] = {
    "clicks_train": {"display_id": _INT, "ad_id": _INT, "clicked": _INT},
    "events": {
        "display_id": _INT,
        "uuid": _TEXT,
        "document_id": _INT,
        "timestamp": _INT,
        "platform": _INT,
        "geo_location": _TEXT,
    },
    "promoted_content": {
        "ad_id": _INT,
        "document_id": _INT,
        "campaign_id": _INT,
        "advertiser_id": _INT,
    },
    "documents_meta": {
        **_OF_DOCUMENT,
        "source_id": _INT,
        "publisher_id": _INT,
        "publish_time": _TEXT,
    },
    "documents_topics": {**_OF_DOCUMENT, "topic_id": _INT, **_CONFIDENCE},
    "documents_categories": {**_OF_DOCUMENT, "category_id": _INT, **_CONFIDENCE},
    "documents_entities": {**_OF_DOCUMENT, "entity_id": _TEXT, **_CONFIDENCE},
    "page_views": {"uuid": _TEXT, "document_id": _INT, "timestamp": _INT},
}
"""The columns that are read of each table."""
NEEDED = ("clicks_train", "events", "promoted_content")
_NAMES = {"page_views": ("page_views", "page_views_sample")}
_SUFFIXES = (".csv", ".csv.zip", ".csv.gz")
_NULLS = ["", "\\N"]
_REQUIRED = {
    "clicks_train": ("display_id", "ad_id", "clicked"),
    "events": ("display_id", "timestamp"),
    "promoted_content": ("ad_id",),
    "page_views": ("uuid", "document_id", "timestamp"),
}
"""What no row may lack."""
_ROW_GROUP, _ROW = 100_000, "__row"


@dataclass(frozen=True)
class Staged:
    """A table as Parquet, with what the user should know of it."""

    path: Path
    rows: pl.LazyFrame
    notes: tuple[str, ...] = ()


def table_files(folder: Path) -> dict[str, Path]:
    """Return the file of each table that a directory holds.

    Raises:
        DataError: it is no directory, or lacks a table that is needed.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a directory with {', '.join(NEEDED)}")
    found = {}
    for table in TABLES:
        places = [folder / f"{n}{s}" for n in _NAMES.get(table, (table,)) for s in _SUFFIXES]
        there = [path for path in places if path.is_file()]
        if there:
            found[table] = there[0]
        elif table in NEEDED:
            raise DataError(f"{folder}: lacks {table}: expected {table} as .csv, .csv.zip, .csv.gz")
    return found


def staged(table: str, path: Path, scratch: Path) -> Staged:
    """Write a table as Parquet, so that parts of it can be read by themselves.

    Args:
        table: its name.
        path: the file.
        scratch: gets the Parquet file.

    Raises:
        DataError: the file cannot be read; names the first row that is wrong, and how many are.
    """
    plain, target = plain_file(path, scratch), scratch / f"{table}.parquet"
    columns = TABLES[table]
    rows = check_csv(plain, str(path), ",", None)
    _need(plain, path, list(columns))
    try:
        _scan(plain, columns, rows).sink_parquet(target, row_group_size=_ROW_GROUP)
    except pl.exceptions.ComputeError as error:  # an id such as 118.0, or a value that is wrong
        if is_full(error, scratch):
            raise
        _read_carefully(plain, path, columns, rows).sink_parquet(target, row_group_size=_ROW_GROUP)
    made = parquet.scan(target)
    _whole(table, path, made)
    if table == "clicks_train":
        _labels(path, made)
    notes = () if _ends(plain) else (f"{path}: ends without a line break; its last row may be cut",)
    if plain != path:
        plain.unlink()
    return Staged(path, made, notes)


def _scan(plain: Path, columns: Mapping[str, pl.DataType], rows: int | None) -> pl.LazyFrame:
    table = pl.scan_csv(
        plain, schema_overrides=columns, null_values=_NULLS, n_rows=rows, glob=False
    )
    return table.select(list(columns))


def _need(plain: Path, path: Path, columns: list[str]) -> None:
    known = first_row(plain, str(path), ",")
    missing = [name for name in columns if name not in known]
    if missing:
        raise DataError(f"{path}: lacks {', '.join(missing)}; found {', '.join(known)}")


def _read_carefully(
    plain: Path, path: Path, columns: Mapping[str, pl.DataType], rows: int | None
) -> pl.LazyFrame:
    """Read every column as text and convert it, so that what is wrong can be named."""
    texts = _scan(plain, dict.fromkeys(columns, _TEXT), rows)
    numbers = {name: kind for name, kind in columns.items() if kind != _TEXT}
    try:
        for name, kind in numbers.items():
            _refuse(texts, name, kind, path)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: not readable as CSV: {error}") from None
    return texts.with_columns(_number(name, kind) for name, kind in numbers.items())


def _number(name: str, kind: pl.DataType) -> pl.Expr:
    """Read a text as a type; an id may be written 118.0, exactly whatever its size."""
    if kind == _INT:
        return pl.col(name).str.strip_suffix(".0").cast(kind, strict=False)
    return pl.col(name).cast(kind, strict=False)


def _refuse(texts: pl.LazyFrame, name: str, kind: pl.DataType, path: Path) -> None:
    """Raise if a column holds what its type cannot."""
    wrong = _number(name, kind).is_null() & pl.col(name).is_not_null()
    found = _numbered(texts).filter(wrong).select(_ROW, name).collect(engine="streaming")
    if not found.is_empty():
        what = "a whole number" if kind == _INT else "a number"
        row, value = found.row(0)
        raise DataError(
            f"{path}: row {row}: column '{name}': expected {what}, found {value!r:.80} "
            f"({found.height} such rows)"
        )


def _whole(table: str, path: Path, rows: pl.LazyFrame) -> None:
    """Raise if a row lacks what no row may lack."""
    names = _REQUIRED.get(table, ("document_id",))
    lacks = rows.select(pl.col(name).is_null().sum() for name in names)
    for name, count in lacks.collect(engine="streaming").row(0, named=True).items():
        if count:
            first = _numbered(rows).filter(pl.col(name).is_null()).select(_ROW).head(1)
            row = first.collect(engine="streaming").item()
            raise DataError(f"{path}: row {row}: column '{name}': missing ({count} such rows)")


def _labels(path: Path, rows: pl.LazyFrame) -> None:
    """Raise if a label is neither 0 nor 1."""
    odd = _numbered(rows).filter(~pl.col("clicked").is_in([0, 1])).select(_ROW, "clicked")
    found = odd.collect(engine="streaming")
    if not found.is_empty():
        row, value = found.row(0)
        raise DataError(
            f"{path}: row {row}: column 'clicked': expected 0 or 1, found {value} "
            f"({found.height} such rows)"
        )


def _numbered(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Number rows as an editor does: the header is row 1."""
    return rows.with_row_index(_ROW, offset=2)


def _ends(plain: Path) -> bool:
    """Return whether a file ends with a line break."""
    with plain.open("rb") as content:
        content.seek(-1, 2)
        return content.read(1) == b"\n"
