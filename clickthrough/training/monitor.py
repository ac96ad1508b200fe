"""What early stopping watches on the validation part."""

import numpy as np
import torch
from numpy.typing import NDArray

from clickthrough.config.training import Training
from clickthrough.evaluation.metrics import all_metrics, auc, log_loss, request_auc
from clickthrough.training.loss import listwise_loss
from clickthrough.training.table import Table

_LOWER = {"log_loss", "listwise_loss", "normalized_entropy", "ece"}


def sign_of(monitor: str) -> int:
    """Return what a metric is multiplied by, so that higher is better."""
    return -1 if monitor in _LOWER else 1


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
