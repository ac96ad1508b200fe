"""The training loop."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import islice
from math import isnan
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from clickthrough.bundle.export import tensors
from clickthrough.config.training import Training
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.freed_memory import keep_freed_memory
from clickthrough.models.base import CtrModel
from clickthrough.steps import happened
from clickthrough.training.distributed.place import Place
from clickthrough.training.distributed.state import led_state
from clickthrough.training.distributed.tables import whole_tables
from clickthrough.training.machine.device import Rows
from clickthrough.training.optim.divergence import refuse_lost
from clickthrough.training.optim.monitor import check_monitor, chosen_epoch, monitored
from clickthrough.training.optim.redundant import still_redundant_biases
from clickthrough.training.optim.schedule import rate_factor
from clickthrough.training.optim.step import Step
from clickthrough.training.optim.watch import Seen, Watch, steps_between_looks
from clickthrough.training.resuming.chance import chance_of, restore_chance, seed_process
from clickthrough.training.resuming.checkpoint import Keeper, Numbers, Tensors, unreadable
from clickthrough.training.resuming.position import Epoch, Position
from clickthrough.training.rows.batches import Batch, batches_of, step_count
from clickthrough.training.rows.sampling import correction, positive_weight
from clickthrough.training.rows.table import Table

_log = logging.getLogger(__name__)
_EVAL_ROWS = 65_536
_ALIKE = 64
"""Of rows that are no multiple of it, some libraries add up the last ones in another order."""


class Progress(Protocol):
    """Told how far an epoch has come."""

    def __call__(self, epoch: int, done: int, total: int) -> None:
        """Take the epoch's number, the rows done and the rows in all."""


def silent(epoch: int, done: int, total: int) -> None:
    """Report nothing."""


class Trainer:
    """A model on its way, in one process or several that share each batch.

    Args:
        model: fresh weights; it is moved to where it is trained.
        train: training period.
        validation: the period after it, for early stopping; the leader's, others may have none.
        settings: epochs, batch size, rates, patience.
        numeric: the names of the numeric inputs, for errors.
        place: processes and device; by default those of this process and the settings.

    Raises:
        ConfigError: the monitored metric says nothing of the validation part.
    """

    def __init__(
        self,
        model: CtrModel,
        train: Table,
        validation: Table | None,
        settings: Training,
        numeric: Sequence[str] = (),
        place: Place | None = None,
    ) -> None:
        if validation is not None:
            check_monitor(settings.monitor, validation.labels, validation.offsets)
        keep_freed_memory()
        self._place = place or Place.of(settings)
        seed_process(settings.seed, self._place.group)
        self._model, self._train, self._validation = model, train, validation
        self._settings = settings
        self._rng = np.random.default_rng(settings.seed)
        pos_weight = positive_weight(train.labels, settings)
        model.shift.fill_(correction(settings, pos_weight))
        still_redundant_biases(model)
        self._place.enter(model)
        rows = Rows(train, self._place.device)
        self._step = Step(model, rows, settings, self._place, pos_weight)
        self._learned = self._step.optimizers.average.model
        self._watch = Watch(rows, numeric, steps_between_looks(self._place.device))
        self._steps = settings.epochs * step_count(train, settings)
        self._best = _copy(model)
        self.position = Position()

    def resume(self, keeper: Keeper) -> bool:
        """Go on from the leader's newest checkpoint; say whether there is one.

        Raises:
            ClickthroughError: it is of another run, or unreadable.
        """
        group = self._place.group
        kept = led_state(group, keeper.load() if group.leads else None)
        if kept is not None:
            try:
                self.restore(*kept)
            except (ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
                raise unreadable(keeper.folder, error) from None
        return kept is not None

    def run(
        self,
        progress: Progress = silent,
        keeper: Keeper | None = None,
        evaluated: Callable[[Epoch], None] = lambda epoch: None,
    ) -> list[Epoch]:
        """Train until validation stops improving; leave the best weights in the leader's model.

        Args:
            progress: called after each batch.
            keeper: where the leader keeps checkpoints.
            evaluated: called after each epoch; what it raises ends the run.

        Raises:
            ClickthroughError: the loss is not a number, a checkpoint cannot be written, or
                another process ended.
        """
        while not self._is_finished():
            began = time.monotonic()
            self._epoch(progress, keeper)
            self._close()
            if self._place.group.leads:
                self._tell(self.position.epochs[-1], time.monotonic() - began)
            evaluated(self.position.epochs[-1])
        self._model.load_state_dict(self._best)
        self._place.leave(self._model)
        return self.position.epochs

    def _tell(self, epoch: Epoch, seconds: float) -> None:
        """Tell what came of an epoch."""
        monitor, loss = self._settings.monitor, epoch.loss or 0.0
        called = monitor.replace("_", " ")
        line = f"loss {loss:.4f}, validation {called} {epoch.monitored:.4f}, {seconds:.1f} s"
        happened(
            f"epoch {epoch.number}: {line}",
            epoch=epoch.number,
            loss=epoch.loss,
            monitor=monitor,
            validation=epoch.monitored,
            seconds=round(seconds, 3),
        )

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
            self._take(batch, number, self._wants_checkpoint(keeper))
            at.batches, at.rows = at.batches + 1, at.rows + len(batch)
            due = self._watch.is_full and self._look()
            progress(number, at.rows, len(self._train))
            if due:
                self._keep(keeper)
        if self._look():
            self._keep(keeper)

    def _take(self, batch: Batch, epoch: int, due: bool) -> None:
        """Train on a batch."""
        if len(batch) < 2:  # one row has no variance for BatchNorm
            return
        settings, at = self._settings, self.position
        factor = rate_factor(at.steps, self._steps, settings, at.plateau)
        told = self._step.take(batch, factor, due)
        place = f"epoch {epoch}, batch {at.batches + 1}"
        self._watch.add(Seen(told, batch, place, factor * settings.learning_rate))
        at.steps += 1

    def _look(self) -> bool:
        """Look at the losses since the last look; say whether a checkpoint is due."""
        loss, due = self._watch.look()
        self.position.loss += loss
        return due

    def _wants_checkpoint(self, keeper: Keeper | None) -> bool:
        return keeper is not None and self._place.group.leads and keeper.due()

    def _keep(self, keeper: Keeper | None) -> None:
        state = self.state()  # every process has a part in it
        if keeper is not None and self._place.group.leads:
            keeper.save(*state)

    def _close(self) -> None:
        """End an epoch: validate, and keep the weights if they are the best."""
        at, value = self.position, self._validated()
        if isnan(value):
            refuse_lost(self._settings.monitor, len(at.epochs) + 1)
        at.epochs.append(Epoch(len(at.epochs) + 1, at.loss / max(at.rows, 1), abs(value)))
        _log.debug("%s, %d rows", at.epochs[-1], at.rows)
        at.batches, at.rows, at.loss = 0, 0, 0.0
        at.plateau = at.plateau.after(value > at.best, at.steps, self._settings)
        if value > at.best:
            at.best, self._best = value, _copy(self._learned)

    def _validated(self) -> float:
        """Return what the leader finds."""
        value = torch.zeros((), dtype=torch.float64)
        with whole_tables(self._learned):
            if self._place.group.leads and self._validation is not None:
                logits = predict_logits(self._learned, self._validation.inputs)
                value.fill_(monitored(logits, self._validation, self._settings))
        self._place.group.lead(value)
        return float(value)

    def _best_epoch(self) -> int:
        return chosen_epoch(self.position.epochs, self._settings.monitor).number

    def state(self) -> tuple[Tensors, Numbers]:
        """Return all that the run needs to go on, in the leader; all processes ask for it.

        Tables and their moments are whole, so that any number of processes can go on.
        """
        tables, layout = self._tables(), self._place.layout
        chance = chance_of(self._place.device, self._step.unseen.generator, self._place.group)
        groups = {"optimizers": self._step.optimizers.state(), "random": chance}
        for group, values in (("model", self._model.state_dict()), ("best", self._best)):
            groups[group] = {
                name: layout.whole(value) if name in tables else value
                for name, value in values.items()
            }
        named = {
            f"{g}/{name}": value for g, values in groups.items() for name, value in values.items()
        }
        return named, asdict(self.position)

    def restore(self, state: Tensors, numbers: Numbers) -> None:
        """Go on from a checkpoint, in every process."""
        tables, layout = self._tables(), self._place.layout
        groups: dict[str, Tensors] = {}
        for name, value in state.items():
            group, _, own = name.partition("/")
            mine = layout.own(value) if group in {"model", "best"} and own in tables else value
            groups.setdefault(group, {})[own] = mine
        self._model.load_state_dict(groups["model"])
        self._best = groups["best"]
        self._step.optimizers.restore(groups["optimizers"])
        shared = self._step.unseen.generator
        restore_chance(groups["random"], self._place.device, shared, self._place.group)
        self.position = Position.read(numbers)
        if self.position.batches > step_count(self._train, self._settings):
            raise ValueError(f"no epoch has {self.position.batches:,} batches")
        _check_weights(self._best, self._model.state_dict())

    def _tables(self) -> set[str]:
        """Return the names of the embedding tables."""
        tables = {id(table) for table in self._model.table_parameters()}
        named = self._model.state_dict(keep_vars=True)
        return {name for name, value in named.items() if id(value) in tables}


def _check_weights(given: Tensors, wanted: Tensors) -> None:
    """Refuse weights that are not those of a model.

    Raises:
        ValueError: another name or shape.
    """
    found, expected = ({n: v.shape for n, v in each.items()} for each in (given, wanted))
    if found != expected:
        raise ValueError("expected the best weights of this model")


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
    """Return logits of encoded rows, shape (n,); they do not depend on how rows are divided."""
    model.eval()
    device = model.shift.device
    parts = []
    with torch.inference_mode():
        for start in range(0, len(inputs.ids), _EVAL_ROWS):
            rows = inputs[start : start + _EVAL_ROWS]
            given = (values.to(device) for values in tensors(_filled(rows)))
            parts.append(model(*given).cpu().numpy()[: len(rows)])
    logits: NDArray[np.float32] = np.concatenate(parts)
    return logits


def _filled(rows: Encoded) -> Encoded:
    """Return rows with the last one repeated until they are as many as are computed alike."""
    lacking = -len(rows) % _ALIKE
    return rows[np.minimum(np.arange(len(rows) + lacking), len(rows) - 1)] if lacking else rows


def _copy(model: CtrModel) -> Tensors:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
