"""Some impressions of a bundle's log, as an example for other homes."""

import polars as pl

from clickthrough.bundle.load import Bundle
from clickthrough.data.caller import raw_rows
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import with_part
from clickthrough.export.example import Example, raw_example
from clickthrough.export.homes import Home
from clickthrough.features.table import encoder_columns, request_offsets
from clickthrough.training.prepare import feature_rows
from clickthrough.training.rows.chunks import Chunks

EXAMPLE_ROWS = 300


def log_example(bundle: Bundle, dataset: Dataset, home: Home, most: int = EXAMPLE_ROWS) -> Example:
    """Return about ``most`` impressions of a log's last part, spread evenly, in whole requests.

    Args:
        bundle: what answers them.
        dataset: the log; of a home that takes columns, history is read from it as of each
            impression, elsewhere the bundle's own counters answer.
        home: for which they are.
        most: how many.

    Raises:
        DataError: the log cannot be read.
    """
    rows = with_part(dataset, bundle.config.data.split)
    index = rows.select("request_id", "part").collect(engine="streaming")
    if not home.takes_columns:
        sample = _sampled(rows.drop("part"), index, most)
        fields = raw_rows(sample, dataset.schema)
        return raw_example(bundle, [*fields])
    from clickthrough.export.classic.example import make_example

    featured = feature_rows(dataset, bundle.config, bundle.plan, "live").drop("part")
    sample = _sampled(featured, index, most)
    columns = encoder_columns(sample, bundle.plan, dataset.schema)
    return make_example(bundle, columns, request_offsets(sample))


def _sampled(rows: pl.LazyFrame, index: pl.DataFrame, most: int) -> pl.DataFrame:
    last = int(index["part"].max())  # type: ignore[arg-type]
    return Chunks.of(rows, index).sample(last, most)
