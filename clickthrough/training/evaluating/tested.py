"""The rows that an evaluation is of: the test part's, as the log holds them."""

import polars as pl

from clickthrough.config.data import TimeSplit
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import TEST, with_part

POSITION = "__position"
"""The place of an impression within its request as logged, from 1."""


def tested_rows(dataset: Dataset, split: TimeSplit) -> pl.LazyFrame:
    """Return the impressions of the test part whose label is known, with their position.

    Row for row those of the encoded table ``test``; none where the log has no test part. Places
    count impressions without a label too.
    """
    place = (pl.int_range(pl.len()).over("request_id") + 1).alias(POSITION)
    rows = with_part(dataset, split).filter(pl.col("part") == TEST).sort("row")
    return rows.with_columns(place).filter(pl.col("label").is_not_null())
