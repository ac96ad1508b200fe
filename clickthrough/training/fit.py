"""The one way to fit a model: from prepared data and a configuration to a calibrated model.

``train`` calls it, and so does whatever compares, selects, tunes or trains anew.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from clickthrough.calibration import Calibrator
from clickthrough.config.model import Blend, LightGbm
from clickthrough.config.root import Config
from clickthrough.steps import step
from clickthrough.training.blend import Blended, fit_weights
from clickthrough.training.calibrate import calibrate, described, log_losses, with_losses
from clickthrough.training.fit_module import fit_module
from clickthrough.training.fit_trees import fit_lightgbm
from clickthrough.training.fitted import Scored
from clickthrough.training.machine.threads import torch_threads
from clickthrough.training.optim.divergence import refuse_infinite
from clickthrough.training.prepare import Prepared
from clickthrough.training.resuming.position import Epoch
from clickthrough.training.told import Told
from clickthrough.training.where import Where
from clickthrough.training.widths import with_widths


@dataclass(frozen=True)
class Fitted:
    """A fitted, calibrated model.

    Attributes:
        config: with nothing left to the log.
        model: what scores.
        calibrator: from its logits to probabilities.
        epochs: its history on the validation part.
        logits: of the validation part, before calibration, float32, shape (n,).
        losses: log loss of the validation part, before and after calibration.
    """

    config: Config
    model: Scored
    calibrator: Calibrator
    epochs: list[Epoch]
    logits: NDArray[np.float32] = field(repr=False)
    losses: dict[str, float]


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
    told = told or Told()
    config = settled(config, prepared)
    # chance of the caller's own goes on as if nothing had been drawn here
    with torch.random.fork_rng(devices=[]), torch_threads(config.training.threads):
        made = _fitted(prepared, config, told, where or Where())
    if made is None:
        return None
    model, epochs = made
    watched = prepared.watched
    with step("calibrating"):
        logits = model.logits(watched.inputs)
        refuse_infinite(logits, config.model.name)
        calibrator = calibrate(config.calibration, prepared.encoder, watched, logits)
        losses = log_losses(calibrator, watched, logits)
    said = with_losses(described(calibrator, watched.labels), losses)
    told.say(f"calibration: {said}")
    return Fitted(config, model, calibrator, epochs, logits, losses)


def _fitted(
    prepared: Prepared, config: Config, told: Told, where: Where
) -> tuple[Scored, list[Epoch]] | None:
    match config.model:
        case Blend():
            return _blended(prepared, config, told, where)
        case LightGbm():
            return fit_lightgbm(prepared, config, told, where)
    return fit_module(prepared, config, told, where)


def _blended(
    prepared: Prepared, config: Config, told: Told, where: Where
) -> tuple[Scored, list[Epoch]] | None:
    """Fit each member by itself, then what each weighs."""
    assert isinstance(config.model, Blend)  # noqa: S101
    members, epochs = list[Scored](), list[Epoch]()
    for place, model in enumerate(config.model.members):
        told.say(f"member {place + 1}: {model.name}")
        own = config.model_copy(update={"model": model})
        made = _fitted(prepared, own, told, where.part(f"{place}-{model.name}"))
        if made is not None:
            members.append(made[0])
            epochs += made[1]
    if not members:
        return None
    watched = prepared.watched
    names = [model.name for model in config.model.members]
    logits = [one.logits(watched.inputs) for one in members]
    for said, name in zip(logits, names, strict=True):
        refuse_infinite(said, name)
    weights = fit_weights(logits, watched.labels)
    shares = ", ".join(f"{n} {w:.2f}" for n, w in zip(names, weights, strict=True))
    told.say(f"weights by the validation part: {shares}")
    return Blended(members, weights.tolist()), epochs


def settled(config: Config, prepared: Prepared) -> Config:
    """Return a configuration with nothing left to the log.

    Raises:
        ConfigError: it gives a width for a column that there is not.
    """
    model = with_widths(config.model, prepared.encoder, prepared.tables["train"].inputs)
    return config.model_copy(update={"model": model})
