"""Impressions in the order of a dataset: by time, the rows of a request side by side."""

from dataclasses import dataclass

import polars as pl

from clickthrough.data.raw import RawLog

_PAIR = ["request_id", "item"]


@dataclass
class Repairs:
    """What was found and repaired on the way; counted so that the user is told.

    Attributes:
        requests: in all.
        united: impressions that repeat an item of their request.
        moved: requests whose rows named different times.
        fewer: requests with fewer clicks than they should have.
        more: requests with more.
        views_found: page views in the files.
        views_apart: of users who were shown nothing.
        views_united: page views that repeat another.
    """

    requests: int = 0
    united: int = 0
    moved: int = 0
    fewer: int = 0
    more: int = 0
    views_found: int = 0
    views_apart: int = 0
    views_united: int = 0

    def notes(self) -> list[str]:
        """Return a line for each kind of repair that was made."""
        lines = []
        if self.united:
            lines.append(
                f"{self.united} impressions that repeat an item of their request "
                "were united with it"
            )
        if self.moved:
            lines.append(f"{self.moved} requests name several times: each was given its earliest")
        if self.fewer:
            lines.append(f"{self.fewer} requests have fewer clicks than they should; all are kept")
        if self.more:
            lines.append(f"{self.more} requests have more clicks than they should; all are kept")
        if self.views_apart:
            lines.append(
                f"{self.views_apart:,} of {self.views_found:,} page views are of users who were "
                "shown nothing, and are left out"
            )
        if self.views_united:
            lines.append(f"{self.views_united:,} page views that repeat another count with it")
        return lines


def with_moments(rows: pl.LazyFrame, raw: RawLog, repairs: Repairs) -> pl.LazyFrame:
    """Give each request one moment, the earliest that any of its rows names."""
    if not {"request_id", "time"} <= set(raw.schema.roles):
        return rows
    time = pl.col("time")
    spans = rows.group_by("request_id").agg(__earliest=time.min(), __latest=time.max())
    torn = spans.filter(pl.col("__earliest") != pl.col("__latest")).collect(engine="streaming")
    if torn.is_empty():
        return rows
    repairs.moved = torn.height
    joined = rows.join(torn.lazy().drop("__latest"), on="request_id", how="left")
    moment = pl.coalesce("__earliest", "time").alias("time")
    return joined.with_columns(moment).drop("__earliest")


def ordered(rows: pl.DataFrame, raw: RawLog, repairs: Repairs) -> pl.DataFrame:
    """Sort whole requests, and unite impressions that repeat an item.

    Args:
        rows: impressions with ``row``, their place in the files.
        raw: the log, for its roles.
        repairs: is brought up to date.
    """
    if "request_id" not in raw.schema.roles:
        rows = rows.with_columns(pl.col("row").alias("request_id"))
    rows = rows.sort("time", "request_id", "row")
    repairs.requests += rows["request_id"].n_unique()
    if set(_PAIR) <= set(raw.schema.roles):
        rows = _united(rows, repairs)
    if raw.clicks_per_request is not None:
        clicks = rows.group_by("request_id").agg(pl.col("label").sum())["label"]
        repairs.fewer += int((clicks < raw.clicks_per_request).sum())
        repairs.more += int((clicks > raw.clicks_per_request).sum())
    return rows


def _united(rows: pl.DataFrame, repairs: Repairs) -> pl.DataFrame:
    """Make one row of impressions that repeat an item within their request.

    A request and item name an impression, online as here; the first row stands, clicked if any is.
    """
    repeated = rows.select(
        pl.struct(_PAIR).is_duplicated() & pl.col("item").is_not_null()
    ).to_series()
    if not repeated.any():
        return rows
    label = pl.when(repeated).then(pl.col("label").max().over(_PAIR)).otherwise("label")
    kept = rows.with_columns(label.alias("label")).filter(
        ~repeated | pl.struct(_PAIR).is_first_distinct()
    )
    repairs.united += rows.height - kept.height
    return kept
