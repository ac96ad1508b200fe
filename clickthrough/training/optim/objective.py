"""The loss of a model: of each member by itself, of its parts, and of saying what a mean says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from clickthrough.config.training import Training
from clickthrough.models.base import CtrModel, mean_of
from clickthrough.training.distributed.group import Group
from clickthrough.training.optim.loss import LEAST_WEIGHT, Totals, training_loss

Parts = Sequence[Sequence[Tensor]]
"""Of each member the logits of its parts, shape (b,) each."""


@dataclass(frozen=True)
class Target:
    """What rows are to be told as.

    Attributes:
        labels: 0 or 1, float, shape (b,).
        request: the number of each row's request, shape (b,), where the loss needs it.
        weights: of the rows, shape (b,); all alike by default.
        totals: of the batch that the rows are a share of.
        group: the processes that have the other shares.
    """

    labels: Tensor
    request: Tensor | None
    weights: Tensor | None
    totals: Totals
    group: Group

    def as_said_by(self, logits: Tensor, other: Tensor) -> Tensor:
        """Return the cross-entropy of what other logits say, which are not changed by it."""
        said = nn.functional.binary_cross_entropy_with_logits(
            logits, other.detach().sigmoid(), reduction="none"
        )
        weighted = said if self.weights is None else said * self.weights
        return weighted.sum() / self.totals.weight.clamp(min=LEAST_WEIGHT)


def objective(
    passes: Sequence[Parts], target: Target, model: CtrModel, settings: Training, pos_weight: float
) -> Tensor:
    """Return the loss of rows, the mean of its members' own losses, shape ().

    A loss on the members' mean instead would make them one wide network: on a public benchmark it
    is worse than a single member. What members share besides is in the model's settings.

    Args:
        passes: what the model said of the rows; two draws of dropout where it is to agree with
            itself.
        target: what the rows are.
        model: what said it.
        settings: weights of the pointwise and the listwise loss.
        pos_weight: of a click in the binary cross-entropy.
    """
    score = partial(
        training_loss,
        labels=target.labels,
        request=target.request,
        listwise=settings.listwise,
        pos_weight=pos_weight,
        weights=target.weights,
        totals=target.totals,
    )
    members = [[mean_of(own) for own in one] for one in passes]
    whole = [mean_of(said) for said in zip(*members, strict=True)]
    losses = []
    for place, logits in enumerate(whole):
        loss = score(logits)
        if len(passes) > 1:
            loss = loss + sum(target.as_said_by(one[place], logits) for one in members)
        for one in passes:
            loss = loss + _of_parts(one[place], score, target, model) / len(passes)
        losses.append(loss)
    if model.distill and len(whole) > 1:
        mean = mean_of(whole)
        losses = [
            loss + model.distill * target.as_said_by(logits, mean)
            for loss, logits in zip(losses, whole, strict=True)
        ]
    return torch.stack(losses).mean()


def _of_parts(
    parts: Sequence[Tensor], score: Callable[..., Tensor], target: Target, model: CtrModel
) -> Tensor:
    """Return what the parts of a member add to the loss of their mean."""
    added = parts[0].new_zeros(())  # a process may have no row of a batch
    if len(parts) == 1:
        return added
    mean = mean_of(parts)
    if model.net.weighs_parts:
        with torch.no_grad():
            alone = torch.stack([score(part) for part in (*parts, mean)])
            target.group.add(alone)  # they are of the batch, of which rows are a share
            weights = model.net.part_weights(alone[:-1], alone[-1])
        added = added + (weights * torch.stack([score(part) for part in parts])).sum()
    if model.net.learns_from_mean:
        added = added + sum(target.as_said_by(part, mean) for part in parts)
    return added
