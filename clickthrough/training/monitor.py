"""What early stopping watches on the validation part."""

import numpy as np
import torch
from numpy.typing import NDArray

from clickthrough.config.training import Training
from clickthrough.evaluation.metrics import auc, log_loss, request_auc
from clickthrough.training.loss import listwise_loss
from clickthrough.training.table import Table


def monitored(logits: NDArray[np.float32], table: Table, settings: Training) -> float:
    """Return the monitored metric, signed so that higher is better."""
    scores = 1 / (1 + np.exp(-logits.astype(np.float64)))
    if settings.monitor == "auc":
        return auc(table.labels, scores)
    if settings.monitor == "request_auc":
        return request_auc(table.labels, scores, table.offsets)
    if settings.monitor == "listwise_loss":
        request = np.repeat(np.arange(len(table.offsets) - 1), np.diff(table.offsets))
        labels = torch.from_numpy(table.labels.astype(np.float32))
        return -float(listwise_loss(torch.from_numpy(logits), labels, torch.from_numpy(request)))
    return -log_loss(table.labels, scores)
