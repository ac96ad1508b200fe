"""From a loss to the next weights: the optimizers, and the average of the weights behind them."""

import copy

import torch
from torch import Tensor

from clickthrough.config.training import Training
from clickthrough.models.base import CtrModel


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

    def state(self) -> dict[str, Tensor]:
        """Return the average and how many updates it holds; nothing where nothing is averaged."""
        if not self._decay:
            return {}
        means = {str(place): mean for place, (mean, _) in enumerate(self._pairs)}
        return {**means, "updates": torch.tensor(self._updates)}

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a state."""
        if not self._decay:
            return
        for place, (mean, _) in enumerate(self._pairs):
            mean.copy_(state[str(place)])
        self._updates = int(state["updates"])

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
    """AdamW for dense weights, a sparse Adam that touches only a batch's rows for the tables."""

    def __init__(self, model: CtrModel, settings: Training) -> None:
        rate, decay = settings.learning_rate, settings.weight_decay
        dense, tables = model.dense_parameters(), model.table_parameters()
        self._all: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(dense, lr=rate, weight_decay=decay)
        ]
        if tables:
            self._all.append(torch.optim.SparseAdam(tables, lr=rate))
        self.average = Average(model, settings.averaging)
        self._rate, self._clip, self._dense = rate, settings.clip_norm, dense

    def step(self, loss: Tensor, factor: float = 1.0) -> None:
        """Change the weights by the gradient of a loss.

        Args:
            loss: a scalar.
            factor: what the learning rate is multiplied by.
        """
        for optimizer in self._all:
            optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(self._dense, self._clip)
        for optimizer in self._all:
            for group in optimizer.param_groups:
                group["lr"] = self._rate * factor
            optimizer.step()
        self.average.update()

    def state(self) -> dict[str, Tensor]:
        """Return all that the next step depends on beside the weights."""
        made = {f"average.{name}": value for name, value in self.average.state().items()}
        for place, optimizer in enumerate(self._all):
            for parameter, values in optimizer.state_dict()["state"].items():
                for name, value in values.items():
                    made[f"{place}.{parameter}.{name}"] = torch.as_tensor(value)
        return made

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a state."""
        average = "average."
        self.average.restore(
            {n.removeprefix(average): v for n, v in state.items() if n.startswith(average)}
        )
        for place, optimizer in enumerate(self._all):
            found: dict[int, dict[str, Tensor | int]] = {}
            for name, value in state.items():
                own, parameter, key = (*name.split(".", 2), "", "")[:3]
                if own == str(place):
                    whole = value.ndim == 0 and not value.is_floating_point()
                    found.setdefault(int(parameter), {})[key] = int(value) if whole else value
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": found, "param_groups": groups})


def _averaged(model: CtrModel) -> list[Tensor]:
    """Return dense weights and what BatchNorm keeps; whole numbers have no average."""
    kept = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
    return [*model.dense_parameters(), *kept]
