"""What is known of documents: one row each, of the tables that are given."""

from collections.abc import Mapping

import polars as pl

from clickthrough.data.outbrain.tables import Staged

_LISTS = {
    "documents_topics": ("topic_id", "topic_ids", "topic_confidences"),
    "documents_categories": ("category_id", "category_ids", "category_confidences"),
    "documents_entities": ("entity_id", "entity_ids", "entity_confidences"),
}
"""Table -> its id, and the fields that hold a document's ids and confidences."""
MOST_ENTRIES = 12
"""Of a document's topics, categories or entities those with the highest confidence are kept."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "documents_meta": ("source_id", "publisher_id", "published"),
    "documents_topics": ("topic_id", "topic_ids", "topic_confidences"),
    "documents_categories": ("category_id", "category_ids", "category_confidences"),
    "documents_entities": ("entity_ids", "entity_confidences"),
}
"""Table -> the fields of a document that come from it."""


def documents(tables: Mapping[str, Staged]) -> pl.LazyFrame:
    """Return a row for each document that any of the given tables knows.

    Its main topic and category are those of the highest confidence; ``published`` counts seconds
    since 1970 UTC, null where the table has none or one that is no moment.
    """
    parts = [_meta(tables["documents_meta"].rows)] if "documents_meta" in tables else []
    parts += [_listed(tables[table].rows, table) for table in _LISTS if table in tables]
    known = pl.LazyFrame(schema={"document_id": pl.Int64})
    for part in parts:
        known = known.join(part, on="document_id", how="full", coalesce=True)
    return known


def scalars(fields: tuple[str, ...]) -> list[str]:
    """Return the fields that hold one value."""
    return [name for name in fields if not name.endswith(("_ids", "_confidences"))]


def notes(tables: Mapping[str, Staged]) -> list[str]:
    """Say which rows of ``documents_meta`` were not taken as they are."""
    if "documents_meta" not in tables:
        return []
    meta = tables["documents_meta"]
    counts = meta.rows.select(
        pl.len() - pl.col("document_id").n_unique(),
        (pl.col("publish_time").is_not_null() & _moment().is_null()).sum(),
    )
    repeated, odd = counts.collect(engine="streaming").row(0)
    lines = []
    if repeated:
        lines.append(f"{meta.path}: {repeated} rows repeat a document; the first stands")
    if odd:
        lines.append(f"{meta.path}: {odd} times of publication are no moments: they are missing")
    return lines


def _meta(rows: pl.LazyFrame) -> pl.LazyFrame:
    published = _moment().dt.epoch("s").alias("published")
    return rows.select("document_id", "source_id", "publisher_id", published).unique(
        "document_id", keep="first", maintain_order=True
    )


def _moment() -> pl.Expr:
    return pl.col("publish_time").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)


def _listed(rows: pl.LazyFrame, table: str) -> pl.LazyFrame:
    entry, ids, confidences = _LISTS[table]
    known = rows.filter(pl.col(entry).is_not_null())
    first = pl.col("confidence_level").fill_null(0.0)
    # ties in order of the id, so that a document reads the same whatever the order of its rows
    lists = known.sort(first, entry, descending=[True, False]).group_by("document_id")
    made = lists.agg(
        pl.col(entry).head(MOST_ENTRIES).alias(ids),
        pl.col("confidence_level").head(MOST_ENTRIES).alias(confidences),
    )
    if entry in FIELDS[table]:
        made = made.with_columns(pl.col(ids).list.first().alias(entry))
    return made
