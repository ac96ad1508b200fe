"""The one way to fit a model: from prepared data and a configuration to a calibrated model.

``train`` calls it, and so does whatever compares, selects, tunes or trains anew.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from clickthrough.bundle.module import input_shape
from clickthrough.calibration import Calibrator
from clickthrough.config.root import Config
from clickthrough.models import build_model
from clickthrough.models.base import CtrModel
from clickthrough.training.calibrate import calibrate, described
from clickthrough.training.checkpoint import Keeper, identity_of
from clickthrough.training.continued import Start
from clickthrough.training.distributed.opening import check_agreement
from clickthrough.training.distributed.place import Place
from clickthrough.training.fitted import FittedModule, Scored
from clickthrough.training.loop import Trainer
from clickthrough.training.monitor import chosen_epoch
from clickthrough.training.position import Epoch
from clickthrough.training.prepare import Prepared
from clickthrough.training.told import Told
from clickthrough.training.untrained import settle_untrained
from clickthrough.training.widths import with_widths


@dataclass(frozen=True)
class Where:
    """Where a model is fitted.

    Attributes:
        place: processes and device; those of this process and the settings by default.
        checkpoints: a directory for them; none are kept by default.
        start: a bundle that weights are gone on from.
    """

    place: Place | None = None
    checkpoints: Path | None = None
    start: Start | None = None


@dataclass(frozen=True)
class Fitted:
    """A fitted, calibrated model.

    Attributes:
        config: with nothing left to the log.
        model: what scores.
        calibrator: from its logits to probabilities.
        epochs: its history on the validation part.
        logits: of the validation part, before calibration, float32, shape (n,).
    """

    config: Config
    model: Scored
    calibrator: Calibrator
    epochs: list[Epoch]
    logits: NDArray[np.float32] = field(repr=False)


def settled(config: Config, prepared: Prepared) -> Config:
    """Return a configuration with nothing left to the log.

    Raises:
        ConfigError: it gives a width for a column that there is not.
    """
    model = with_widths(config.model, prepared.encoder, prepared.tables["train"].inputs)
    return config.model_copy(update={"model": model})


def fit(
    prepared: Prepared, config: Config, told: Told | None = None, where: Where | None = None
) -> Fitted | None:
    """Fit a model on the training part, choose and calibrate it on the validation part.

    Args:
        prepared: the encoded log.
        config: family, training and calibration.
        told: where to report to; its ``evaluated`` may end the fit by an error of its own.
        where: processes, checkpoints, weights to go on from.

    Returns:
        The fitted model; None in a process that does not lead.

    Raises:
        ClickthroughError: the configuration does not fit the data, or the loss is no number.
    """
    told, where = told or Told(), where or Where()
    config = settled(config, prepared)
    place = where.place or Place.of(config.training)
    model, epochs = _trained(prepared, config, told, where, place)
    if not place.group.leads:
        return None
    fitted = FittedModule(model)
    watched = prepared.watched
    with told.step("calibrating"):
        logits = fitted.logits(watched.inputs)
        calibrator = calibrate(config.calibration, prepared.encoder, watched, logits)
    told.say(f"calibration: {described(calibrator, watched.labels)}")
    return Fitted(config, fitted, calibrator, epochs, logits)


def _trained(
    prepared: Prepared, config: Config, told: Told, where: Where, place: Place
) -> tuple[CtrModel, list[Epoch]]:
    """Train; the leader's model is then the best one."""
    settings, start = config.training, where.start
    encoder, train = prepared.encoder, prepared.tables["train"]
    torch.manual_seed(settings.seed)
    model = build_model(config.model, input_shape(encoder, config.model))
    if start is not None:
        start.load(model, encoder)
        told.say(f"going on from bundle {start.bundle.manifest.version}")
    identity = identity_of(settings, train, model, place)
    check_agreement(place.group, identity)
    watched = prepared.watched if place.group.leads else None
    trainer = Trainer(model, train, watched, settings, encoder.numeric_names, place)
    keeper = None
    if where.checkpoints is not None:
        keeper = Keeper(where.checkpoints, identity, settings.checkpoint_every)
        if trainer.resume(keeper):
            told.say(f"going on from {trainer.position.told()}{keeper.noted}")
    epochs = trainer.run(told.progress, keeper, told.evaluated)
    if place.group.leads and start is None and settings.unseen_share:
        settle_untrained(model, encoder, train.inputs)
    _say_which(epochs, settings.monitor, told.say)
    return model, epochs


def _say_which(epochs: list[Epoch], monitor: str, say: Callable[[str], None]) -> None:
    chosen = chosen_epoch(epochs, monitor)
    say(
        f"stopped after {len(epochs)} epochs; best is {chosen.number}: "
        f"validation {monitor} {chosen.monitored:.4f}"
    )
