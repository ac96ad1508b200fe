"""What training minimizes."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

LEAST_WEIGHT = 1e-6
"""A batch without weight, or without clicks, has no gradient instead of none that is a number."""


@dataclass(frozen=True)
class Totals:
    """What the sums of both losses are divided by: totals of a batch, of which rows are a share.

    Attributes:
        weight: of all rows, shape ().
        clicks: weighted, shape ().
    """

    weight: Tensor
    clicks: Tensor

    @classmethod
    def of(cls, labels: Tensor, weights: Tensor | None = None) -> "Totals":
        """Return the totals of rows; see :func:`training_loss`."""
        if weights is None:
            return cls(labels.new_full((), len(labels)), labels.sum())
        return cls(weights.sum(), (labels * weights).sum())


def training_loss(  # noqa: PLR0913, PLR0917
    logits: Tensor,
    labels: Tensor,
    request: Tensor | None,
    listwise: float,
    pos_weight: float = 1.0,
    weights: Tensor | None = None,
    totals: Totals | None = None,
) -> Tensor:
    """Return the weighted sum of the pointwise and the listwise loss.

    Args:
        logits: shape (b,).
        labels: 0 or 1, float, shape (b,).
        request: the number of each row's request, shape (b,); needed where ``listwise`` is not 0.
        listwise: its weight; the rest is binary cross-entropy.
        pos_weight: weight of a click in the binary cross-entropy.
        weights: of the rows, shape (b,); all alike by default. Means are weighted by them.
        totals: of the batch, where the rows are a share of it: the losses of shares add up to
            that of the batch. By default the rows are all of it.
    """
    totals = totals or Totals.of(labels, weights)
    loss = torch.zeros((), device=logits.device)
    if listwise < 1:
        pointwise = nn.functional.binary_cross_entropy_with_logits(
            logits, labels, pos_weight=labels.new_full((), pos_weight), reduction="none"
        )
        weighted = pointwise if weights is None else pointwise * weights
        loss = loss + (1 - listwise) * weighted.sum() / totals.weight.clamp(min=LEAST_WEIGHT)
    if listwise > 0 and request is not None:
        clicks = labels if weights is None else labels * weights
        loss = loss + listwise * listwise_loss(logits, clicks, request, totals.clicks)
    return loss


def listwise_loss(
    logits: Tensor, labels: Tensor, request: Tensor, clicks: Tensor | None = None
) -> Tensor:
    """Return the mean negative log share of a click in the softmax over its request.

    Softmax cross-entropy of ListNet with one relevant candidate (Cao et al., 2007). A request
    with several clicks counts once a click, one without a click not at all.

    Args:
        logits: shape (b,).
        labels: 0 or 1, or the weight of a click instead of 1, float, shape (b,).
        request: the number of each row's request, from 0, shape (b,).
        clicks: what the sum is divided by; by default the labels' own.

    >>> one = listwise_loss(torch.zeros(4), torch.tensor([1.0, 0, 0, 0]), torch.zeros(4).long())
    >>> round(float(one), 4)  # log 4
    1.3863
    """
    most = len(request)  # there are no more requests than rows; counting would wait for a GPU
    highest = logits.new_full((most,), -torch.inf).scatter_reduce(
        0, request, logits.detach(), "amax", include_self=True
    )
    shifted = logits - highest[request]
    total = logits.new_zeros(most).index_add(0, request, shifted.exp())
    log_share = shifted - total[request].log()
    clicks = labels.sum() if clicks is None else clicks
    return -(labels * log_share).sum() / clicks.clamp(min=LEAST_WEIGHT)
