"""What every log must satisfy, and the counts that its user is shown."""

import polars as pl

from clickthrough.data.raw import RawLog
from clickthrough.errors import DataError

Counts = dict[str, int]


def check(rows: pl.LazyFrame, raw: RawLog) -> Counts:
    """Check the rows of a raw log and count them.

    Returns:
        ``impressions``, ``clicks``, ``unlabelled``, ``first`` and ``last`` (microseconds).

    Raises:
        DataError: no rows, a time or request id that is missing, or a label that is not 0 or 1.
    """
    label, time = pl.col("label"), pl.col("time")
    odd = (label != 0) & (label != 1)
    requests = {}
    if "request_id" in raw.schema.roles:
        requests = {"no_request": pl.col("request_id").is_null().sum()}
    counts = rows.select(
        impressions=pl.len(),
        clicks=(label == 1).sum(),
        unlabelled=label.is_null().sum(),
        odd_labels=odd.sum(),
        odd_label=label.filter(odd).first(),
        no_time=time.is_null().sum(),
        first=time.min(),
        last=time.max(),
        **requests,
    ).collect(engine="streaming")
    found: Counts = counts.to_dicts()[0]
    _refuse(found, raw)
    return {name: found[name] for name in ("impressions", "clicks", "unlabelled", "first", "last")}


def _refuse(found: Counts, raw: RawLog) -> None:
    names = raw.schema.input_name
    if found["impressions"] == 0:
        raise DataError(f"{raw.name}: holds no impressions")
    if found["odd_labels"]:
        raise DataError(
            f"{raw.name}: column '{names('label')}': expected 0 or 1, found "
            f"{found['odd_label']!r} ({found['odd_labels']} rows)"
        )
    for what, column in (("no_time", "time"), ("no_request", "request_id")):
        if found.get(what):
            raise DataError(
                f"{raw.name}: column '{names(column)}': missing or unreadable in "
                f"{found[what]} of {found['impressions']} rows"
            )
