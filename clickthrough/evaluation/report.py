"""The table of a model and its baselines, as numbers and as text."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from clickthrough.evaluation.metrics import all_metrics

COLUMNS = {
    "auc": ("AUC", "{:.4f}"),
    "request_auc": ("per-request AUC", "{:.4f}"),
    "log_loss": ("log loss", "{:.4f}"),
    "normalized_entropy": ("norm. entropy", "{:.4f}"),
    "calibration_ratio": ("calibration", "{:.3f}"),
    "ece": ("ECE", "{:.4f}"),
}


def evaluation(
    labels: NDArray[np.int8],
    offsets: NDArray[np.int64],
    predictions: dict[str, NDArray[np.float64]],
    counters: str,
) -> dict[str, Any]:
    """Evaluate predictions of the same impressions.

    Args:
        labels: 0 or 1, shape (n,).
        offsets: where each request starts, and the end.
        predictions: name -> probabilities, shape (n,).
        counters: ``live`` or ``frozen``.

    Returns:
        A record that JSON can hold: what was evaluated, and every metric of every name.
    """
    return {
        "counters": counters,
        "impressions": len(labels),
        "requests": len(offsets) - 1,
        "clicks": int(np.sum(labels == 1)),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "results": {name: _known(labels, p, offsets) for name, p in predictions.items()},
    }


def _known(
    labels: NDArray[np.int8], probabilities: NDArray[np.float64], offsets: NDArray[np.int64]
) -> dict[str, float | None]:
    """Return all metrics, None for those that these rows do not define: JSON has no NaN."""
    metrics = all_metrics(labels, probabilities, offsets)
    return {name: None if np.isnan(value) else value for name, value in metrics.items()}


def as_table(record: dict[str, Any]) -> Table:
    """Return an evaluation for the terminal."""
    table = Table(
        title=f"test: {record['impressions']:,} impressions, {record['requests']:,} requests, "
        f"{record['clicks']:,} clicks; counters {record['counters']}"
    )
    table.add_column("")
    for heading, _ in COLUMNS.values():
        table.add_column(heading, justify="right")
    for name, metrics in record["results"].items():
        table.add_row(name, *(_cell(metrics[key], form) for key, (_, form) in COLUMNS.items()))
    return table


def _cell(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
