"""What training minimizes."""

import torch
from torch import Tensor, nn

_LEAST_WEIGHT = 1e-6
"""A batch without weight, or without clicks, has no gradient instead of none that is a number."""


def training_loss(
    logits: Tensor,
    labels: Tensor,
    request: Tensor | None,
    listwise: float,
    pos_weight: float = 1.0,
    weights: Tensor | None = None,
) -> Tensor:
    """Return the weighted sum of the pointwise and the listwise loss.

    Args:
        logits: shape (b,).
        labels: 0 or 1, float, shape (b,).
        request: the number of each row's request, shape (b,); needed where ``listwise`` is not 0.
        listwise: its weight; the rest is binary cross-entropy.
        pos_weight: weight of a click in the binary cross-entropy.
        weights: of the rows, shape (b,); all alike by default. Means are weighted by them.
    """
    loss = torch.zeros(())
    if listwise < 1:
        pointwise = nn.functional.binary_cross_entropy_with_logits(
            logits, labels, pos_weight=torch.tensor(pos_weight), reduction="none"
        )
        loss = loss + (1 - listwise) * _mean(pointwise, weights)
    if listwise > 0 and request is not None:
        clicks = labels if weights is None else labels * weights
        loss = loss + listwise * listwise_loss(logits, clicks, request)
    return loss


def _mean(values: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None:
        return values.mean()
    return (values * weights).sum() / weights.sum().clamp(min=_LEAST_WEIGHT)


def listwise_loss(logits: Tensor, labels: Tensor, request: Tensor) -> Tensor:
    """Return the mean negative log share of a click in the softmax over its request.

    Softmax cross-entropy of ListNet with one relevant candidate (Cao et al., 2007). A request
    with several clicks counts once a click, one without a click not at all.

    Args:
        logits: shape (b,).
        labels: 0 or 1, or the weight of a click instead of 1, float, shape (b,).
        request: the number of each row's request, from 0, shape (b,).

    >>> one = listwise_loss(torch.zeros(4), torch.tensor([1.0, 0, 0, 0]), torch.zeros(4).long())
    >>> round(float(one), 4)  # log 4
    1.3863
    """
    count = int(request[-1]) + 1 if len(request) else 0
    highest = torch.full((count,), -torch.inf).scatter_reduce(
        0, request, logits.detach(), "amax", include_self=True
    )
    shifted = logits - highest[request]
    total = torch.zeros(count).index_add(0, request, shifted.exp())
    log_share = shifted - total.log()[request]
    return -(labels * log_share).sum() / labels.sum().clamp(min=_LEAST_WEIGHT)
