"""From a loss to the next weights: the optimizers, and the average of the weights behind them."""

import copy

import torch
from torch import Tensor

from clickthrough.config.training import Training
from clickthrough.models.base import CtrModel
from clickthrough.training.rowwise import RowWiseAdam


class Average:
    """An exponential moving average of a model's weights (Polyak and Juditsky, 1992).

    Weights jump with the last batches; their average does not. The statistics of BatchNorm are
    averaged alike. Embedding tables are shared with the model and not averaged: the cost of a
    step must not depend on their size.

    Args:
        model: what is trained.
        decay: the share that an update leaves; less at first, so that the first weights are soon
            forgotten. 0 averages nothing.

    Attributes:
        model: the model with averaged weights; the one given where nothing is averaged.
    """

    def __init__(self, model: CtrModel, decay: float) -> None:
        shared = {id(table): table for table in model.table_parameters()}
        self.model = copy.deepcopy(model, shared) if decay else model
        self._decay, self._updates = decay, 0
        self._pairs = [*zip(_averaged(self.model), _averaged(model), strict=True)]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are now."""
        if not self._decay:
            return
        self._updates += 1
        decay = min(self._decay, self._updates / (self._updates + 9))
        for mean, latest in self._pairs:
            mean.lerp_(latest, 1 - decay)


class Optimizers:
    """AdamW for dense weights, a row-wise Adam that touches only a batch's rows for tables."""

    def __init__(self, model: CtrModel, settings: Training) -> None:
        rate, decay = settings.learning_rate, settings.weight_decay
        dense, tables = model.dense_parameters(), model.table_parameters()
        self._all: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(dense, lr=rate, weight_decay=decay, fused=True)
        ]
        if tables:
            self._all.append(RowWiseAdam(tables, lr=rate * settings.embedding_rate))
        self.average = Average(model, settings.averaging)

    def step(self, loss: Tensor) -> None:
        """Change the weights by the gradient of a loss."""
        for optimizer in self._all:
            optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in self._all:
            optimizer.step()
        self.average.update()


def _averaged(model: CtrModel) -> list[Tensor]:
    """Return dense weights and what BatchNorm keeps; whole numbers have no average."""
    kept = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
    return [*model.dense_parameters(), *kept]
