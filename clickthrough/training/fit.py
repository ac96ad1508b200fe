"""The one way to fit a model: from prepared data and a configuration to a calibrated model.

``train`` calls it, and so does whatever compares, selects, tunes or trains anew.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clickthrough.calibration import Calibrator
from clickthrough.config.root import Config
from clickthrough.training.calibrate import calibrate, described
from clickthrough.training.fit_module import fit_module
from clickthrough.training.fitted import Scored
from clickthrough.training.position import Epoch
from clickthrough.training.prepare import Prepared
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
    """

    config: Config
    model: Scored
    calibrator: Calibrator
    epochs: list[Epoch]
    logits: NDArray[np.float32] = field(repr=False)


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
    made = fit_module(prepared, config, told, where or Where())
    if made is None:
        return None
    model, epochs = made
    watched = prepared.watched
    with told.step("calibrating"):
        logits = model.logits(watched.inputs)
        calibrator = calibrate(config.calibration, prepared.encoder, watched, logits)
    told.say(f"calibration: {described(calibrator, watched.labels)}")
    return Fitted(config, model, calibrator, epochs, logits)


def settled(config: Config, prepared: Prepared) -> Config:
    """Return a configuration with nothing left to the log.

    Raises:
        ConfigError: it gives a width for a column that there is not.
    """
    model = with_widths(config.model, prepared.encoder, prepared.tables["train"].inputs)
    return config.model_copy(update={"model": model})
