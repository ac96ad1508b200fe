"""From the competition's tables to impressions and page views.

A row of ``clicks_train`` is an impression; ``events`` says when, where and to whom its display was
shown, ``promoted_content`` whose ad it is and to which document it leads, the ``documents_*``
tables what the page and that document are about. Displays are joined some at a time, so memory does
not grow with the log.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from clickthrough import parquet
from clickthrough.config.data import OutbrainData, TimeFormat
from clickthrough.data.outbrain import documents as docs
from clickthrough.data.outbrain.tables import EPOCH_MS, TABLES, Staged, staged, table_files
from clickthrough.data.raw import RawLog, Side, key_columns
from clickthrough.data.slices import bounds, height
from clickthrough.errors import DataError
from clickthrough.features.absent import VIEWS
from clickthrough.features.sides import SideForm, Way
from clickthrough.schema import FieldType, Role, Schema

ROLES: dict[Role, str] = {
    "request_id": "display_id",
    "time": "timestamp",
    "user": "uuid",
    "item": "ad_id",
    "label": "clicked",
}
_OF_PAGE: dict[str, FieldType] = {
    "source_id": "int",
    "publisher_id": "int",
    "published": "int",
    "topic_id": "int",
    "topic_ids": "ints",
    "topic_confidences": "floats",
    "category_id": "int",
    "category_ids": "ints",
    "category_confidences": "floats",
    "entity_ids": "strs",
    "entity_confidences": "floats",
}
_FIELDS: dict[str, FieldType] = {
    "request_id": "int",
    "user": "str",
    "item": "int",
    "document_id": "int",
    "platform": "int",
    "country": "str",
    "state": "str",
    "dma": "str",
    "campaign_id": "int",
    "advertiser_id": "int",
    "ad_document_id": "int",
}
_AD = "ad_"
"""Stands before the fields of the document that an ad leads to."""
_PIECE_ROWS = 1_000_000
"""About how many impressions are joined at a time."""


def files(config: OutbrainData) -> list[Path]:
    """Return the files that the reader needs.

    Raises:
        DataError: the directory lacks a table that is needed.
    """
    return list(table_files(config.path).values())


def read(config: OutbrainData, scratch: Path) -> RawLog:
    """Open the log.

    Args:
        config: where it lies.
        scratch: gets the tables as Parquet.

    Raises:
        DataError: a table is unreadable, lacks a column, or tables do not belong together.
    """
    found = table_files(config.path)
    tables = {name: staged(name, path, scratch) for name, path in found.items()}
    schema = _schema(found)
    about = _written(docs.documents(tables), scratch / "documents.parquet")
    ads, ad_notes = _ads(tables, found)
    notes = [note for table in tables.values() for note in table.notes]
    notes += [*_missing_tables(found), *ad_notes, *_displays(tables, found), *docs.notes(tables)]
    clicks = tables["clicks_train"].rows
    pieces = [
        _impressions(_within(clicks, span), _within(tables["events"].rows, span), ads, about)
        for span in _spans(clicks)
    ]
    return RawLog(
        name=str(config.path),
        impressions=[piece.select(_columns(schema)) for piece in pieces],
        schema=schema,
        views=_views(tables, about, schema),
        views_found=height(tables["page_views"].rows) if "page_views" in tables else 0,
        notes=tuple(notes),
        clicks_per_request=1,
        sides=_sides(ads, about, schema),
    )


def _sides(ads: pl.LazyFrame, about: pl.LazyFrame, schema: Schema) -> list[Side]:
    """Return what is known of ads, then of the documents that requests and ads name."""
    of_ad = ("campaign_id", "advertiser_id", "ad_document_id")
    of_page = tuple(name for name in _OF_PAGE if name in schema.fields)
    by_ad = Way(key=("item",), gives={name: name for name in of_ad})
    by_page = Way(key=("document_id",), gives={name: name for name in of_page})
    by_target = Way(key=("ad_document_id",), gives={name: _AD + name for name in of_page})
    forms = (
        SideForm(name="promoted_content", columns=of_ad, ways=(by_ad,)),
        SideForm(name="documents", columns=of_page, ways=(by_page, by_target)),
    )
    keyed = zip(forms, (ads, about), ("ad_id", "document_id"), strict=True)
    return [
        Side(form, rows.select(pl.col(key).alias(key_columns(form)[0]), *form.columns))
        for form, rows, key in keyed
    ]


def _schema(found: Mapping[str, Path]) -> Schema:
    of_page = {
        name: kind
        for table, names in docs.FIELDS.items()
        if table in found
        for name, kind in _OF_PAGE.items()
        if name in names
    }
    lacking = [n for table, names in docs.FIELDS.items() if table not in found for n in names]
    views = ["user", "document_id", *docs.scalars(tuple(of_page))]
    has_views = "page_views" in found
    absent = [*lacking, *(_AD + name for name in lacking)]
    return Schema(
        roles=ROLES,
        fields={**_FIELDS, **of_page, **{_AD + name: kind for name, kind in of_page.items()}},
        time=TimeFormat(
            unit="ms", origin=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=EPOCH_MS)
        ),
        views=views if has_views else [],
        absent=absent if has_views else [*absent, VIEWS],
    )


def _missing_tables(found: Mapping[str, Path]) -> list[str]:
    """Say what is missing with each table that is not there."""
    lines = []
    for table in TABLES:
        if table not in found:
            fields = docs.FIELDS.get(table)
            what = VIEWS if fields is None else f"{', '.join(fields)} of pages and ads"
            lines.append(f"without {table} there are no {what}: features of these are left out")
    return lines


def _written(rows: pl.LazyFrame, path: Path) -> pl.LazyFrame:
    rows.collect(engine="streaming").write_parquet(path)
    return parquet.scan(path)


def _ads(tables: Mapping[str, Staged], found: Mapping[str, Path]) -> tuple[pl.LazyFrame, list[str]]:
    rows = tables["promoted_content"].rows.collect()
    ads = rows.unique("ad_id", keep="first", maintain_order=True)
    notes = []
    if ads.height < rows.height:
        repeated = rows.height - ads.height
        notes.append(f"{found['promoted_content']}: {repeated} rows repeat an ad; the first stands")
    shown = tables["clicks_train"].rows.select("ad_id").unique()
    unknown = shown.join(ads.lazy(), on="ad_id", how="anti").collect(engine="streaming")
    if not unknown.is_empty():
        notes.append(
            f"{found['promoted_content']}: lacks {unknown.height} ads that were shown, such as "
            f"{unknown['ad_id'][0]}: their campaign, advertiser and document are missing"
        )
    return ads.lazy().rename({"document_id": "ad_document_id"}), notes


def _displays(tables: Mapping[str, Staged], found: Mapping[str, Path]) -> list[str]:
    """Check that every display has an event.

    Raises:
        DataError: some have none: without a time nothing can be said of them.
    """
    shown = tables["clicks_train"].rows.select("display_id").unique()
    events = tables["events"].rows.select("display_id")
    lost = shown.join(events, on="display_id", how="anti").collect(engine="streaming")
    if not lost.is_empty():
        raise DataError(
            f"{found['clicks_train']}: {lost.height} displays have no row in {found['events']}, "
            f"such as display_id {lost['display_id'][0]}"
        )
    ids = events.collect(engine="streaming")["display_id"]
    repeated = len(ids) - ids.n_unique()
    if repeated:
        return [f"{found['events']}: {repeated} rows repeat a display; the earliest stands"]
    return []


Span = tuple[int | None, int | None]


def _spans(clicks: pl.LazyFrame) -> list[Span]:
    """Divide the displays into runs of ids."""
    inner = bounds(clicks, "display_id", _PIECE_ROWS)
    return list(zip([None, *inner], [*inner, None], strict=True))


def _within(rows: pl.LazyFrame, span: Span) -> pl.LazyFrame:
    start, end = span
    if start is not None:
        rows = rows.filter(pl.col("display_id") >= start)
    return rows if end is None else rows.filter(pl.col("display_id") < end)


def _impressions(
    clicks: pl.LazyFrame, events: pl.LazyFrame, ads: pl.LazyFrame, about: pl.LazyFrame
) -> pl.LazyFrame:
    """Join some displays with what is known of them, in the order of ``clicks_train``."""
    # by all columns, so that the order of rows does not matter
    once = events.sort("timestamp", pl.all().exclude("timestamp")).unique(
        "display_id", keep="first", maintain_order=True
    )
    ad_about = about.rename(lambda name: _AD + name)
    return (
        clicks.join(once, on="display_id", how="left", maintain_order="left")
        .join(ads, on="ad_id", how="left", maintain_order="left")
        .join(about, on="document_id", how="left", maintain_order="left")
        .join(ad_about, on="ad_document_id", how="left", maintain_order="left")
        .with_columns(*_geo())
    )


def _geo() -> list[pl.Expr]:
    """Divide ``US>CA>807``: country, state with its country, market area; each may be missing."""
    parts = pl.col("geo_location").str.split(">")
    country, state, dma = (_text(parts.list.get(i, null_on_oob=True)) for i in range(3))
    return [
        country.alias("country"),
        (country + ">" + state).alias("state"),
        dma.alias("dma"),
    ]


def _text(value: pl.Expr) -> pl.Expr:
    return pl.when(value != "").then(value)


def _columns(schema: Schema) -> list[pl.Expr]:
    named = [pl.col(schema.input_name(name)).alias(name) for name in schema.fields]
    return [*named, _moment(), pl.col("clicked").cast(pl.Float64).alias("label")]


def _moment() -> pl.Expr:
    return ((pl.col("timestamp") + EPOCH_MS) * 1_000).alias("time")


def _views(
    tables: Mapping[str, Staged], about: pl.LazyFrame, schema: Schema
) -> pl.LazyFrame | None:
    """Return the page views of users who were shown ads, with what is known of the pages."""
    if "page_views" not in tables:
        return None
    users = tables["events"].rows.select("uuid").unique()
    views = tables["page_views"].rows.join(users, on="uuid", how="semi")
    known = ["document_id", *(name for name in schema.views if name not in ("user", "document_id"))]
    joined = views.join(about.select(known), on="document_id", how="left")
    return joined.rename({"uuid": "user"}).select(_moment(), *schema.views)
