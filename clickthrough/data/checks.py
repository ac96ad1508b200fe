"""What every converted log must satisfy, and the counts that its user is shown."""

import polars as pl

from clickthrough.data.dataset import Report
from clickthrough.data.raw import RawLog
from clickthrough.errors import DataError


def check(rows: pl.LazyFrame, raw: RawLog) -> Report:
    """Check converted impressions and count them.

    Raises:
        DataError: no rows, a time or request id that is missing, or a label that is not 0 or 1.
    """
    label, time, request = pl.col("label"), pl.col("time"), pl.col("request_id")
    odd = (label != 0) & (label != 1)
    counts = rows.select(
        impressions=pl.len(),
        requests=request.n_unique(),
        clicks=(label == 1).sum(),
        unlabelled=label.is_null().sum(),
        odd_labels=odd.sum(),
        odd_label=label.filter(odd).first(),
        no_time=time.is_null().sum(),
        no_request=request.is_null().sum(),
        first=time.min(),
        last=time.max(),
    ).collect(engine="streaming")
    found = counts.to_dicts()[0]
    _refuse(found, raw)
    notes = list(raw.notes)
    return Report(**{name: found[name] for name in Report.model_fields if name != "notes"},
                  notes=notes)  # fmt: skip


def _refuse(found: dict[str, int], raw: RawLog) -> None:
    names = raw.schema.input_name
    if found["impressions"] == 0:
        raise DataError(f"{raw.name}: holds no impressions")
    if found["odd_labels"]:
        raise DataError(
            f"{raw.name}: column '{names('label')}': expected 0 or 1, found "
            f"{found['odd_label']!r} ({found['odd_labels']} rows)"
        )
    for what, column in (("no_time", "time"), ("no_request", "request_id")):
        if found[what]:
            raise DataError(
                f"{raw.name}: column '{names(column)}': missing or unreadable in "
                f"{found[what]} of {found['impressions']} rows"
            )


def count_duplicates(rows: pl.LazyFrame, raw: RawLog) -> int:
    """Return how many impressions repeat an item within their request."""
    if not {"request_id", "item"} <= set(raw.schema.roles):
        return 0
    pairs = pl.struct("request_id", "item").n_unique()
    known = rows.filter(pl.col("item").is_not_null())
    return int(known.select(pl.len() - pairs).collect(engine="streaming").item())
