"""What early stopping watches on the validation part."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray

from clickthrough.config.training import Monitor, Training
from clickthrough.errors import ConfigError
from clickthrough.evaluation.metrics import all_metrics, auc, log_loss, request_auc
from clickthrough.evaluation.slices import REQUEST_METRICS
from clickthrough.training.optim.loss import listwise_loss
from clickthrough.training.resuming.position import Epoch
from clickthrough.training.rows.table import Table

_LOWER = {"log_loss", "listwise_loss", "normalized_entropy", "ece"}


def sign_of(monitor: str) -> int:
    """Return what a metric is multiplied by, so that higher is better."""
    return -1 if monitor in _LOWER else 1


def chosen_epoch(epochs: Sequence[Epoch], monitor: str) -> Epoch:
    """Return the epoch whose weights were kept: the first of the best."""
    sign = sign_of(monitor)
    return max(epochs, key=lambda epoch: sign * epoch.monitored)


def check_monitor(monitor: str, labels: NDArray[np.int8], offsets: NDArray[np.int64]) -> None:
    """Refuse a metric by which no epoch of these rows could be better than another.

    Without a number nothing would ever be an improvement, and the weights kept would be those
    that training began with.

    Args:
        monitor: the metric.
        labels: of the validation part, 0 or 1, shape (n,).
        offsets: where each request starts, and the end.

    Raises:
        ConfigError: names the metrics that would do.
    """
    telling = telling_monitors(labels, offsets)
    if monitor not in telling:
        clicks = int(np.sum(labels == 1))
        raise ConfigError(
            f"training.monitor: {monitor} says nothing of this validation part ({clicks:,} clicks "
            f"in {len(labels):,} impressions, {len(offsets) - 1:,} requests); "
            f"these would do: {', '.join(telling)}"
        )


def telling_monitors(labels: NDArray[np.int8], offsets: NDArray[np.int64]) -> list[str]:
    """Return the metrics that are a number, and depend on the scores, for rows with these labels.

    AUC and normalized entropy need both classes; what ranks a request needs one that holds a
    click and a candidate without; the listwise loss one that holds a click among several.
    """
    sizes = np.diff(offsets)
    clicks = np.diff(np.append(0, np.cumsum(labels == 1))[offsets])
    both = 0 < clicks.sum() < len(labels)
    ranked = bool(((clicks > 0) & (clicks < sizes)).any())
    needs = {"auc": both, "normalized_entropy": both} | dict.fromkeys(REQUEST_METRICS, ranked)
    needs["listwise_loss"] = bool(((clicks > 0) & (sizes > 1)).any())
    return [name for name in get_args(Monitor) if needs.get(name, True)]


def monitored(logits: NDArray[np.float32], table: Table, settings: Training) -> float:
    """Return the monitored metric, signed so that higher is better."""
    return sign_of(settings.monitor) * _value(settings.monitor, logits, table)


def _value(monitor: str, logits: NDArray[np.float32], table: Table) -> float:
    scores = 1 / (1 + np.exp(-logits.astype(np.float64)))
    match monitor:
        case "log_loss":
            return log_loss(table.labels, scores)
        case "auc":
            return auc(table.labels, scores)
        case "request_auc":
            return request_auc(table.labels, scores, table.offsets)
        case "listwise_loss":
            request = np.repeat(np.arange(len(table.offsets) - 1), np.diff(table.offsets))
            labels = torch.from_numpy(table.labels.astype(np.float32))
            return float(listwise_loss(torch.from_numpy(logits), labels, torch.from_numpy(request)))
    return all_metrics(table.labels, scores, table.offsets)[monitor]
