"""The leaderboard: each model and baseline, on validation and on the test part."""

from collections.abc import Mapping, Sequence
from typing import Any

from clickthrough.errors import ClickthroughError

SHOWN = (
    "log_loss",
    "normalized_entropy",
    "auc",
    "request_auc",
    "map_at_12",
    "calibration_ratio",
)
"""Metrics of either part."""


def board_columns(metrics: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    """Return the columns of a leaderboard, best on validation first.

    Args:
        metrics: what a bundle keeps of its training.

    Returns:
        ``name``, ``kind``, ``kept``, ``seconds``; ``validation_METRIC``, the monitored one first;
        and ``test_METRIC`` where the log had a test part.

    Raises:
        ClickthroughError: the bundle was made without one.
    """
    board = metrics.get("board")
    if not board:
        raise ClickthroughError("the bundle has no leaderboard: nothing was compared for it")
    rows = board["rows"]
    columns: dict[str, Sequence[Any]] = {
        key: [row[key] for row in rows] for key in ("name", "kind", "kept", "seconds")
    }
    for metric in dict.fromkeys([board["monitor"], *SHOWN]):
        columns[f"validation_{metric}"] = [row["validation"].get(metric) for row in rows]
    results = (metrics.get("test") or {}).get("results", {})
    for metric in SHOWN if results else ():
        found = [results.get(row["name"], {}).get(metric) for row in rows]
        columns[f"test_{metric}"] = found
    return columns
