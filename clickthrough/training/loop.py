"""The training loop."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clickthrough.bundle.export import tensors
from clickthrough.config.training import Training
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.features.encoding.vocabulary import UNSEEN
from clickthrough.models.base import CtrModel
from clickthrough.training.batches import Batch, batches_of, step_count
from clickthrough.training.checkpoint import Keeper, Numbers, Tensors
from clickthrough.training.divergence import refuse_divergence
from clickthrough.training.loss import training_loss
from clickthrough.training.memory import keep_freed_memory
from clickthrough.training.monitor import monitored
from clickthrough.training.optimizers import Optimizers
from clickthrough.training.sampling import correction, positive_weight
from clickthrough.training.schedule import rate_factor
from clickthrough.training.table import Table

_EVAL_ROWS = 65_536


class Progress(Protocol):
    """Told how far an epoch has come."""

    def __call__(self, epoch: int, done: int, total: int) -> None:
        """Take the epoch's number, the rows done and the rows in all."""


def silent(epoch: int, done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to: mean training loss, and the monitored metric on validation."""

    number: int
    loss: float
    monitored: float


@dataclass
class Position:
    """How far a run has come; with the weights, all that it needs to go on.

    Attributes:
        epochs: those that are done.
        batches: done of the running epoch.
        steps: in all.
        rows: trained on in the running epoch.
        loss: summed over these rows.
        order: the generator of the epoch's order, as the epoch began.
        best: the best monitored value, signed so that higher is better.
    """

    epochs: list[Epoch] = field(default_factory=list)
    batches: int = 0
    steps: int = 0
    rows: int = 0
    loss: float = 0.0
    order: dict[str, Any] = field(default_factory=dict)
    best: float = -np.inf

    def told(self) -> str:
        """Say how far that is."""
        return f"epoch {len(self.epochs) + 1}, batch {self.batches}"

    @classmethod
    def read(cls, numbers: Numbers) -> "Position":
        """Return the position of a checkpoint."""
        return cls(**{**numbers, "epochs": [Epoch(**epoch) for epoch in numbers["epochs"]]})


class Trainer:
    """A model on its way.

    Args:
        model: fresh weights.
        train: training period.
        validation: the period after it, for early stopping.
        settings: epochs, batch size, rates, patience.
        numeric: the names of the numeric inputs, for errors.
    """

    def __init__(
        self,
        model: CtrModel,
        train: Table,
        validation: Table,
        settings: Training,
        numeric: Sequence[str] = (),
    ) -> None:
        keep_freed_memory()
        torch.manual_seed(settings.seed)
        self._model, self._train, self._validation = model, train, validation
        self._settings, self._numeric = settings, numeric
        self._rng = np.random.default_rng(settings.seed)
        self._pos_weight = positive_weight(train.labels, settings)
        model.shift.fill_(correction(settings, self._pos_weight))
        self._optimizers = Optimizers(model, settings)
        self._optimizers.average.model.shift.copy_(model.shift)
        self._rows = (*tensors(train.inputs), torch.from_numpy(train.labels.astype(np.float32)))
        weights = train.weights
        self._weights = None if weights is None else torch.from_numpy(weights)
        self._steps = settings.epochs * step_count(train, settings)
        self._best = _copy(model)
        self.position = Position()

    def resume(self, keeper: Keeper) -> bool:
        """Go on from the newest checkpoint; say whether there is one.

        Raises:
            ClickthroughError: it is of another run, or unreadable.
        """
        kept = keeper.load()
        if kept is not None:
            self.restore(*kept)
        return kept is not None

    def run(self, progress: Progress = silent, keeper: Keeper | None = None) -> list[Epoch]:
        """Train until validation stops improving; leave the best weights in the model.

        Args:
            progress: called after each batch.
            keeper: where checkpoints are kept.

        Raises:
            ClickthroughError: the loss is not a number, or a checkpoint cannot be written.
        """
        while not self._is_finished():
            self._epoch(progress, keeper)
            self._close()
        self._model.load_state_dict(self._best)
        return self.position.epochs

    def _is_finished(self) -> bool:
        epochs = self.position.epochs
        if len(epochs) >= self._settings.epochs:
            return True
        return bool(epochs) and len(epochs) - self._best_epoch() >= self._settings.patience

    def _epoch(self, progress: Progress, keeper: Keeper | None) -> None:
        """Train on every row once, or on those that a checkpoint left."""
        at, number = self.position, len(self.position.epochs) + 1
        if at.batches:
            self._rng.bit_generator.state = at.order
        at.order = dict(self._rng.bit_generator.state)
        self._model.train()
        batches = batches_of(self._train, self._settings, self._rng)
        for batch in islice(batches, at.batches, None):
            at.loss += self._step(batch, number)
            at.batches, at.rows = at.batches + 1, at.rows + len(batch)
            progress(number, at.rows, len(self._train))
            if keeper is not None and keeper.due():
                keeper.save(*self.state())

    def _step(self, batch: Batch, epoch: int) -> float:
        """Train on a batch; return its loss, summed over its rows."""
        if len(batch) < 2:  # one row has no variance for BatchNorm
            return 0.0
        settings, at = self._settings, self.position
        ids, numeric, bag_ids, bag_weights, labels = (rows[batch.rows] for rows in self._rows)
        weights = None if self._weights is None else self._weights[batch.rows]
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bf16"):
            logits = self._model.member_logits(
                _some_unseen(ids, settings), numeric, _some_unseen(bag_ids, settings), bag_weights
            ).float()
        losses = [
            training_loss(
                member, labels, batch.request, settings.listwise, self._pos_weight, weights
            )
            for member in logits.unbind(dim=1)
        ]
        loss = torch.stack(losses).mean()
        factor = rate_factor(at.steps, self._steps, settings)
        value = float(loss.detach())
        if not np.isfinite(value):
            place = f"epoch {epoch}, batch {at.batches + 1}"
            refuse_divergence(place, numeric, self._numeric, factor * settings.learning_rate)
        self._optimizers.step(loss, factor)
        at.steps += 1
        return value * len(batch)

    def _close(self) -> None:
        """End an epoch: validate, and keep the weights if they are the best."""
        at, learned = self.position, self._optimizers.average.model
        value = monitored(
            predict_logits(learned, self._validation.inputs), self._validation, self._settings
        )
        at.epochs.append(Epoch(len(at.epochs) + 1, at.loss / max(at.rows, 1), abs(value)))
        at.batches, at.rows, at.loss = 0, 0, 0.0
        if value > at.best:
            at.best, self._best = value, _copy(learned)

    def _best_epoch(self) -> int:
        sign = -1 if self._settings.monitor.endswith("loss") else 1
        return max(self.position.epochs, key=lambda epoch: sign * epoch.monitored).number

    def state(self) -> tuple[Tensors, Numbers]:
        """Return all that the run needs to go on."""
        groups = {
            "model": self._model.state_dict(),
            "best": self._best,
            "optimizers": self._optimizers.state(),
            "random": {"torch": torch.get_rng_state()},
        }
        named = {
            f"{g}/{name}": value for g, values in groups.items() for name, value in values.items()
        }
        return named, asdict(self.position)

    def restore(self, state: Tensors, numbers: Numbers) -> None:
        """Go on from a checkpoint."""
        groups: dict[str, Tensors] = {}
        for name, value in state.items():
            group, _, own = name.partition("/")
            groups.setdefault(group, {})[own] = value
        self._model.load_state_dict(groups["model"])
        self._best = groups["best"]
        self._optimizers.restore(groups["optimizers"])
        torch.set_rng_state(groups["random"]["torch"])
        self.position = Position.read(numbers)


def train_model(
    model: CtrModel,
    train: Table,
    validation: Table,
    settings: Training,
    progress: Progress = silent,
) -> list[Epoch]:
    """Train a model without checkpoints; see :class:`Trainer`."""
    return Trainer(model, train, validation, settings).run(progress)


def predict_logits(model: CtrModel, inputs: Encoded) -> NDArray[np.float32]:
    """Return logits of encoded rows, shape (n,)."""
    model.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(inputs.ids), _EVAL_ROWS):
            rows = slice(start, start + _EVAL_ROWS)
            parts.append(model(*tensors(inputs[rows])).numpy())
    logits: NDArray[np.float32] = np.concatenate(parts)
    return logits


def _some_unseen(ids: Tensor, settings: Training) -> Tensor:
    """Replace a small share of ids by the unseen id, so that its row is trained."""
    return ids.masked_fill(torch.rand(ids.shape) < settings.unseen_share, UNSEEN)


def _copy(model: CtrModel) -> Tensors:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
