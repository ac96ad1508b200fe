"""The training loop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clickthrough.bundle.export import tensors
from clickthrough.config.training import Training
from clickthrough.errors import ClickthroughError
from clickthrough.evaluation.metrics import auc, log_loss, request_auc
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.features.encoding.vocabulary import UNSEEN
from clickthrough.models.base import CtrModel
from clickthrough.training.batches import Batch, request_batches, row_batches
from clickthrough.training.loss import listwise_loss, training_loss
from clickthrough.training.memory import keep_freed_memory
from clickthrough.training.optimizers import Optimizers
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


def train_model(
    model: CtrModel,
    train: Table,
    validation: Table,
    settings: Training,
    progress: Progress = silent,
) -> list[Epoch]:
    """Train until validation stops improving, and leave the best weights in the model.

    Args:
        model: fresh weights.
        train: training period.
        validation: the period after it, for early stopping.
        settings: epochs, batch size, rates, patience.
        progress: called after each batch.

    Raises:
        ClickthroughError: the loss is not a number.
    """
    keep_freed_memory()
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    optimizers = Optimizers(model, settings)
    learned = optimizers.average.model
    rows = (*tensors(train.inputs), torch.from_numpy(train.labels.astype(np.float32)))
    epochs: list[Epoch] = []
    best, best_weights = -np.inf, _copy(model)
    for number in range(1, settings.epochs + 1):
        batches = _batches(train, settings, rng)
        told = partial(progress, number, total=len(train))
        loss = _epoch(model, rows, batches, optimizers, settings, told)
        monitored = _monitored(predict_logits(learned, validation.inputs), validation, settings)
        epochs.append(Epoch(number, loss, abs(monitored)))
        if monitored > best:
            best, best_weights = monitored, _copy(learned)
        elif number - _best_epoch(epochs, settings) >= settings.patience:
            break
    model.load_state_dict(best_weights)
    return epochs


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


def _epoch(
    model: CtrModel,
    rows: tuple[Tensor, ...],
    batches: Iterator[Batch],
    optimizers: Optimizers,
    settings: Training,
    progress: Callable[..., None],
) -> float:
    """Train on every row once; return the mean loss."""
    model.train()
    total, done = torch.zeros(()), 0
    for batch in batches:
        if len(batch) < 2:  # one row has no variance for BatchNorm
            continue
        ids, numeric, bag_ids, bag_weights, labels = (tensor[batch.rows] for tensor in rows)
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bf16"):
            logits = model.member_logits(
                _some_unseen(ids, settings), numeric, _some_unseen(bag_ids, settings), bag_weights
            ).float()
        losses = [
            training_loss(member, labels, batch.request, settings.listwise)
            for member in logits.unbind(dim=1)
        ]
        loss = torch.stack(losses).mean()
        optimizers.step(loss)
        total += loss.detach() * len(batch)
        done += len(batch)
        progress(done=done)
    mean = float(total) / max(done, 1)
    if not np.isfinite(mean):
        raise ClickthroughError(
            f"training diverged: the loss is {mean} at learning_rate {settings.learning_rate}"
        )
    return mean


def _batches(table: Table, settings: Training, rng: np.random.Generator) -> Iterator[Batch]:
    """Return the batches of an epoch: of whole requests where the loss compares candidates."""
    size = max(2, min(settings.batch_size, len(table) // settings.least_steps))
    if settings.listwise > 0:
        return request_batches(table.offsets, size, rng)
    return row_batches(len(table), size, rng)


def _some_unseen(ids: Tensor, settings: Training) -> Tensor:
    """Replace a small share of ids by the unseen id, so that its row is trained."""
    return ids.masked_fill(torch.rand(ids.shape) < settings.unseen_share, UNSEEN)


def _monitored(logits: NDArray[np.float32], table: Table, settings: Training) -> float:
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


def _best_epoch(epochs: list[Epoch], settings: Training) -> int:
    sign = -1 if settings.monitor.endswith("loss") else 1
    return max(epochs, key=lambda epoch: sign * epoch.monitored).number


def _copy(model: CtrModel) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
