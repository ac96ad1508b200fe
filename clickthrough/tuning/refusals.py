"""Metrics that a log cannot tell: refused before the work."""

import polars as pl

from clickthrough.config.data import TabularData
from clickthrough.config.tune import MILLISECONDS
from clickthrough.data.dataset import Dataset
from clickthrough.data.split import VALIDATION, with_part
from clickthrough.errors import ConfigError
from clickthrough.evaluation.slices import REQUEST_METRICS
from clickthrough.features.table import request_offsets
from clickthrough.training.optim.monitor import check_monitor
from clickthrough.tuning.space import Space


def refuse_requests(space: Space) -> None:
    """Refuse a metric that needs requests where the log has none.

    Raises:
        ConfigError: names it.
    """
    data = space.config.data
    if not isinstance(data, TabularData) or data.roles.request_id is not None:
        return
    for metric in space.metrics:
        if metric in {*REQUEST_METRICS, "listwise_loss"}:
            raise ConfigError(
                f"tune.metric: {metric} needs requests, and data.roles names no 'request_id'; "
                "expected a metric of rows, such as log_loss"
            )


def refuse_untelling(space: Space, dataset: Dataset) -> None:
    """Refuse a metric by which no trial could be better than another.

    Raises:
        ConfigError: names the metrics that would do.
    """
    rows = with_part(dataset, space.config.data.split)
    known = (pl.col("part") == VALIDATION) & pl.col("label").is_not_null()
    watched = rows.filter(known).select("request_id", "label").collect(engine="streaming")
    for metric in space.metrics:
        if metric not in MILLISECONDS:
            check_monitor(metric, watched["label"].to_numpy(), request_offsets(watched))
