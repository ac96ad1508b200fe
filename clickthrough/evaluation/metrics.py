"""Metrics of click probabilities, as pure functions of labels and probabilities.

Those of the order within a request stand in :mod:`clickthrough.evaluation.ranking`, those of bins
of predictions in :mod:`clickthrough.evaluation.reliability`.
"""

import numpy as np
from numpy.typing import NDArray

from clickthrough.evaluation.ranking import mean_average_precision, mean_of_known, ndcg
from clickthrough.evaluation.reliability import expected_calibration_error

Floats = NDArray[np.float64]
Labels = NDArray[np.generic]

_LEAST = 1e-15


def auc(labels: Labels, scores: Floats) -> float:
    """Return the area under the ROC curve; ties count one half. NaN if one class is absent.

    >>> auc(np.array([0, 1, 1]), np.array([0.1, 0.4, 0.3]))
    1.0
    """
    one = np.zeros(len(labels), np.int64)
    return float(_request_aucs(labels, scores, one, 1)[0])


def request_auc(labels: Labels, scores: Floats, offsets: NDArray[np.int64]) -> float:
    """Return the mean AUC of the requests that hold both a click and none.

    Args:
        labels: 0 or 1, shape (n,).
        scores: shape (n,).
        offsets: where each request starts, and the end, shape (requests + 1,).
    """
    return mean_of_known(request_aucs(labels, scores, offsets))


def request_aucs(labels: Labels, scores: Floats, offsets: NDArray[np.int64]) -> Floats:
    """Return the AUC of each request, shape (requests,); NaN where a class is absent."""
    request = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return _request_aucs(labels, scores, request, len(offsets) - 1)


def _request_aucs(labels: Labels, scores: Floats, request: NDArray[np.int64], n: int) -> Floats:
    order = np.lexsort((scores, request))
    request, scores, clicked = request[order], scores[order], labels[order] == 1
    new = np.ones(len(order), bool)
    new[1:] = (scores[1:] != scores[:-1]) | (request[1:] != request[:-1])
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(order)))
    rank = np.repeat(starts + (sizes + 1) / 2, sizes)  # mean place of ties, from 1
    size = np.bincount(request, minlength=n)
    rank -= (np.cumsum(size) - size)[request]
    clicks = np.bincount(request, clicked, minlength=n)
    ranks = np.bincount(request, rank * clicked, minlength=n)
    pairs = clicks * (size - clicks)
    won = ranks - clicks * (clicks + 1) / 2
    aucs: Floats = np.divide(won, pairs, out=np.full(n, np.nan), where=pairs > 0)
    return aucs


def log_loss(labels: Labels, probabilities: Floats) -> float:
    """Return the mean negative log likelihood, in nats."""
    return float(np.mean(log_losses(labels, probabilities)))


def log_losses(labels: Labels, probabilities: Floats) -> Floats:
    """Return the negative log likelihood of each impression, in nats, shape (n,)."""
    p = _inside(probabilities)
    losses: Floats = -np.where(labels == 1, np.log(p), np.log1p(-p))
    return losses


def regret(truth: Floats, probabilities: Floats) -> float:
    """Return the mean Kullback-Leibler divergence from truth to prediction, in nats.

    What log loss a prediction costs, in expectation, beyond that of the truth itself: 0 for the
    truth, and free of the chance in the clicks.

    Args:
        truth: the probabilities that clicks were drawn with, shape (n,).
        probabilities: those predicted, shape (n,).
    """
    return float(np.mean(regrets(truth, probabilities)))


def regrets(truth: Floats, probabilities: Floats) -> Floats:
    """Return the divergence of each impression, in nats, shape (n,); finite for 0 and 1."""
    t, p = _inside(truth), _inside(probabilities)
    divergence: Floats = t * (np.log(t) - np.log(p)) + (1 - t) * (np.log1p(-t) - np.log1p(-p))
    return divergence


def normalized_entropy(labels: Labels, probabilities: Floats) -> float:
    """Return the log loss over that of the mean click rate (He et al., 2014).

    1 is what the constant click rate of these rows reaches; lower is better.
    """
    rate = float(np.mean(labels == 1))
    if rate in (0.0, 1.0):
        return float("nan")
    return log_loss(labels, probabilities) / log_loss(labels, np.full(len(labels), rate))


def calibration_ratio(labels: Labels, probabilities: Floats) -> float:
    """Return predicted over observed clicks: 1 is calibrated on the whole."""
    clicks = float(np.sum(labels == 1))
    return float(np.sum(probabilities)) / clicks if clicks else float("nan")


def all_metrics(
    labels: Labels,
    probabilities: Floats,
    offsets: NDArray[np.int64],
    truth: Floats | None = None,
) -> dict[str, float]:
    """Return every metric by name; the regret where the truth is known."""
    rows = row_metrics(labels, probabilities, truth)
    return {
        "auc": rows.pop("auc"),
        "request_auc": request_auc(labels, probabilities, offsets),
        "map_at_12": mean_average_precision(labels, probabilities, offsets),
        "ndcg": ndcg(labels, probabilities, offsets),
    } | rows


def row_metrics(
    labels: Labels, probabilities: Floats, truth: Floats | None = None
) -> dict[str, float]:
    """Return the metrics that do not depend on which rows are one request."""
    known = {} if truth is None else {"regret": regret(truth, probabilities)}
    return {
        "auc": auc(labels, probabilities),
        "log_loss": log_loss(labels, probabilities),
        "normalized_entropy": normalized_entropy(labels, probabilities),
        "calibration_ratio": calibration_ratio(labels, probabilities),
        "ece": expected_calibration_error(labels, probabilities),
    } | known


def _inside(probabilities: Floats) -> Floats:
    """Keep probabilities off 0 and 1, so that logarithms are finite."""
    return np.clip(probabilities, _LEAST, 1 - _LEAST)
