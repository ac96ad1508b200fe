"""Some impressions of a log with their features, as an example for other programs."""

from clickthrough.bundle.classic import Example, make_example
from clickthrough.bundle.load import Bundle
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import with_part
from clickthrough.features.table import encoder_columns, request_offsets
from clickthrough.training.prepare import feature_rows
from clickthrough.training.rows.chunks import Chunks

EXAMPLE_ROWS = 300


def log_example(bundle: Bundle, dataset: Dataset, most: int = EXAMPLE_ROWS) -> Example:
    """Return about ``most`` impressions of a log's last part, spread evenly, in whole requests.

    Args:
        bundle: what answers them.
        dataset: the log; history is read from it as of each impression.
        most: how many.

    Raises:
        DataError: the log cannot be read.
    """
    split = bundle.config.data.split
    index = with_part(dataset, split).select("request_id", "part").collect(engine="streaming")
    rows = feature_rows(dataset, bundle.config, bundle.plan, "live").drop("part")
    last = int(index["part"].max())  # type: ignore[arg-type]
    sample = Chunks.of(rows, index).sample(last, most)
    columns = encoder_columns(sample, bundle.plan, dataset.schema)
    return make_example(bundle, columns, request_offsets(sample))
