"""From a loss to the next weights: the optimizers, and the average of the weights behind them."""

import copy

import torch
from torch import Tensor

from clickthrough.config.training import Training
from clickthrough.models.base import CtrModel
from clickthrough.training.distributed.gradients import Gradients
from clickthrough.training.distributed.place import Place
from clickthrough.training.optim.rowwise import RowWiseAdam


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

    def state_dict(self) -> dict[str, Tensor]:
        """Return what another run needs to go on, empty where nothing is averaged."""
        if not self._decay:
            return {}
        means = {str(place): mean for place, (mean, _) in enumerate(self._pairs)}
        return {"updates": torch.tensor(self._updates), **means}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a state of the same model and decay; it is copied."""
        if not self._decay:
            return
        self._updates = int(state["updates"])
        for place, (mean, _) in enumerate(self._pairs):
            mean.copy_(state[str(place)])


class Optimizers:
    """AdamW for dense weights, a row-wise Adam that touches only a batch's rows for tables.

    Args:
        model: what is trained.
        settings: rates, decay, averaging, clipping.
        place: whose gradients are summed, and how tables lie.
    """

    def __init__(self, model: CtrModel, settings: Training, place: Place | None = None) -> None:
        place = place or Place()
        self._gradients = Gradients(model, place.group, place.sharded)
        self._layout = place.layout
        rate, decay = settings.learning_rate, settings.weight_decay
        dense, tables = model.dense_parameters(), model.table_parameters()
        self._all: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(dense, lr=rate, weight_decay=decay, fused=True)
        ]
        if tables:
            self._all.append(
                RowWiseAdam(tables, rate * settings.embedding_rate, settings.embedding_l2)
            )
        self.average = Average(model, settings.averaging)
        self._rates = [group["lr"] for optimizer in self._all for group in optimizer.param_groups]
        self._clip, self._dense = settings.clip_norm, dense

    def step(self, loss: Tensor, factor: float = 1.0, flag: bool = False) -> Tensor:
        """Change the weights by the gradient of a loss.

        Args:
            loss: a scalar; the losses of all processes are added up.
            factor: what the learning rate is multiplied by.
            flag: is told to all processes.

        Returns:
            The sum of the losses, and of the flags, shape (2,).
        """
        for optimizer in self._all:
            optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        own = loss.detach()
        told = self._gradients.add(torch.stack([own, own.new_full((), float(flag))]))
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(self._dense, self._clip)
        groups = [group for optimizer in self._all for group in optimizer.param_groups]
        for group, rate in zip(groups, self._rates, strict=True):
            group["lr"] = rate * factor
        for optimizer in self._all:
            optimizer.step()
        self.average.update()
        return told

    def state(self) -> dict[str, Tensor]:
        """Return all that the next step depends on beside the weights, whole in the leader."""
        made = {f"average.{name}": value for name, value in self.average.state().items()}
        for number, optimizer in enumerate(self._all):
            for place, state in optimizer.state_dict()["state"].items():
                made |= {f"{number}.{place}.{n}": self._whole(number, v) for n, v in state.items()}
        return made

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a state of the same model and settings; it is copied."""
        self.average.restore(_within(state, "average"))
        for number, optimizer in enumerate(self._all):
            own = _within(state, str(number))
            places = {int(name.partition(".")[0]) for name in own}
            nested = {
                place: {n: self._own(number, v) for n, v in _within(own, str(place)).items()}
                for place in places
            }
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": nested, "param_groups": groups})

    def _whole(self, number: int, value: Tensor) -> Tensor:
        """Return what an optimizer remembers, whole in the leader: of tables, a value a row."""
        return self._layout.whole(value) if number and value.dim() else value

    def _own(self, number: int, value: Tensor) -> Tensor:
        """Return what of that is this process's own, copied."""
        return self._layout.own(value).clone() if number and value.dim() else value.clone()


def _within(state: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    start = f"{part}."
    return {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}


def _averaged(model: CtrModel) -> list[Tensor]:
    """Return dense weights and what BatchNorm keeps; whole numbers have no average."""
    kept = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
    return [*model.dense_parameters(), *kept]
