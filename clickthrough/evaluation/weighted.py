"""All metrics as functions of whole weights of requests, many weightings at a time.

Sums over the rows of a request are taken once, so that a weighting is a product of matrices; AUC is
a weighted count over one sort.
"""

import numpy as np
from numpy.typing import NDArray

from clickthrough.evaluation.metrics import log_losses, regrets, request_aucs
from clickthrough.evaluation.ranking import average_precisions, ndcgs
from clickthrough.evaluation.reliability import bin_starts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Labels = NDArray[np.integer]

_MEANS = ("request_auc", "map_at_12", "ndcg")
"""Means over requests, of which some define none."""


class WeightedMetrics:
    """All metrics of one prediction as functions of whole weights of requests.

    With weights of one they are those of :func:`clickthrough.evaluation.metrics.all_metrics`. The
    bins of the calibration error stay those of the unweighted rows.

    Args:
        labels: 0 or 1, shape (n,).
        probabilities: shape (n,).
        offsets: where each request starts, and the end, shape (requests + 1,).
        truth: the true probabilities, shape (n,), where they are known.
    """

    def __init__(
        self, labels: Labels, probabilities: Floats, offsets: Ints, truth: Floats | None = None
    ) -> None:
        sums = _row_sums(labels, probabilities, offsets, truth)
        means = {
            "request_auc": request_aucs(labels, probabilities, offsets),
            "map_at_12": average_precisions(labels, probabilities, offsets),
            "ndcg": ndcgs(labels, probabilities, offsets),
        }
        defined = {f"{name} of": ~np.isnan(values) for name, values in means.items()}
        columns = sums | {name: np.nan_to_num(values) for name, values in means.items()} | defined
        self._names = list(columns)
        gaps = _gaps(labels, probabilities, offsets)
        self._sums = np.concatenate([np.stack(list(columns.values()), axis=1), gaps], axis=1)
        self._sort(labels == 1, probabilities, offsets)

    def _sort(self, clicked: NDArray[np.bool_], probabilities: Floats, offsets: Ints) -> None:
        """Find once how many other rows each click beats; rows in order of prediction."""
        order = np.argsort(probabilities, kind="stable")
        request = _request_of(offsets)[order].astype(np.int32)
        ordered, clicked = probabilities[order], clicked[order]
        self._clicked, self._others = request[clicked], request[~clicked]
        self._below = np.searchsorted(ordered[~clicked], ordered[clicked], side="left")
        self._not_above = np.searchsorted(ordered[~clicked], ordered[clicked], side="right")

    def of(self, weights: NDArray[np.int32]) -> dict[str, Floats]:
        """Return every metric, shape (weightings,); NaN where the weights do not define it.

        Args:
            weights: how often each request counts, shape (weightings, requests).
        """
        totals = weights.astype(np.float64) @ self._sums
        sums = dict(zip(self._names, totals.T, strict=False))
        rate, loss = sums["clicks"] / sums["rows"], sums["loss"] / sums["rows"]
        return {
            "auc": np.array([self._auc(one) for one in weights]),
            **{name: _ratio(sums[name], sums[f"{name} of"]) for name in _MEANS},
            "log_loss": loss,
            "normalized_entropy": _ratio(loss, _entropy(rate)),
            "calibration_ratio": _ratio(sums["predicted"], sums["clicks"]),
            "ece": np.abs(totals[:, len(self._names) :]).sum(axis=1) / sums["rows"],
            **({"regret": sums["regret"] / sums["rows"]} if "regret" in sums else {}),
        }

    def _auc(self, weights: NDArray[np.int32]) -> float:
        """Count the pairs that a click wins, ties one half."""
        beaten = np.zeros(len(self._others) + 1, np.int32)  # a log of 2^31 rows fits no memory
        np.cumsum(weights[self._others], out=beaten[1:])
        clicks = weights[self._clicked].astype(np.float64)
        pairs = clicks.sum() * beaten[-1]
        won = clicks @ beaten[self._below] + clicks @ beaten[self._not_above]
        return float(won / 2 / pairs) if pairs else float("nan")


def _row_sums(
    labels: Labels, probabilities: Floats, offsets: Ints, truth: Floats | None
) -> dict[str, Floats]:
    """Return sums over the rows of each request, each of shape (requests,)."""
    rows = {
        "rows": np.ones(len(labels)),
        "clicks": (labels == 1).astype(np.float64),
        "predicted": probabilities,
        "loss": log_losses(labels, probabilities),
    }
    if truth is not None:
        rows["regret"] = regrets(truth, probabilities)
    request, requests = _request_of(offsets), len(offsets) - 1
    return {name: _sums(request, values, requests) for name, values in rows.items()}


def _gaps(labels: Labels, probabilities: Floats, offsets: Ints) -> Floats:
    """Return predicted less observed clicks of each request in each bin, (requests, bins)."""
    ordered = np.sort(probabilities)
    edges = ordered[bin_starts(ordered)]
    place = np.searchsorted(edges, probabilities, side="right") - 1
    cell = _request_of(offsets) * len(edges) + place
    gaps = _sums(cell, probabilities - (labels == 1), (len(offsets) - 1) * len(edges))
    return gaps.reshape(-1, len(edges))


def _sums(group: Ints, values: Floats, groups: int) -> Floats:
    return np.bincount(group, values, groups).astype(np.float64, copy=False)


def _request_of(offsets: Ints) -> Ints:
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def _entropy(rate: Floats) -> Floats:
    """Return the log loss of click rates known exactly, in nats; 0 if nothing is uncertain."""
    p = np.clip(rate, 1e-300, 1 - 1e-16)
    sure = (rate <= 0) | (rate >= 1)
    entropy: Floats = np.where(sure, 0.0, -(p * np.log(p) + (1 - p) * np.log1p(-p)))
    return entropy


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return ratio
