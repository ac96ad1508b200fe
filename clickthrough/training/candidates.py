"""Several models fitted to the same rows, and which of them is kept: the best on validation."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clickthrough.config.base import unknown_name
from clickthrough.config.model import Model
from clickthrough.config.root import Config
from clickthrough.config.training import Training
from clickthrough.errors import ConfigError
from clickthrough.training.fit import Fitted, fit
from clickthrough.training.optim.monitor import monitored
from clickthrough.training.prepare import Prepared
from clickthrough.training.rows.table import Table
from clickthrough.training.told import Told
from clickthrough.training.where import Where


@dataclass(frozen=True)
class Candidate:
    """A model that is asked for.

    Attributes:
        name: what tables call it.
        model: its settings.
    """

    name: str
    model: Model


@dataclass(frozen=True)
class Tried:
    """A candidate that was fitted.

    Attributes:
        seconds: what that took.
        value: its monitored metric on the validation part, signed so that higher is better.
    """

    name: str
    fitted: Fitted
    seconds: float
    value: float


def check_kept(some: Sequence[Candidate], asked: str | None) -> None:
    """Refuse a name that none of the candidates has.

    Raises:
        ConfigError: it is one.
    """
    names = [one.name for one in some]
    if asked is not None and asked not in names:
        raise ConfigError(unknown_name(asked, "model", names))


def try_each(
    prepared: Prepared, config: Config, some: Sequence[Candidate], told: Told, where: Where
) -> list[Tried]:
    """Fit candidates, one after another.

    Args:
        prepared: the rows.
        config: training and calibration of all of them.
        some: the candidates, one or more.
        told: where to report to.
        where: processes, checkpoints, weights to go on from.

    Returns:
        Those that were fitted, in their order; none in a process that does not lead.
    """
    tried = []
    for place, one in enumerate(some):
        if len(some) > 1:
            told.say(f"model {place + 1} of {len(some)}: {one.name}")
        own = where if len(some) == 1 else where.part(f"{place}-{one.model.name}")
        began = time.monotonic()
        fitted = fit(prepared, config.model_copy(update={"model": one.model}), told, own)
        if fitted is not None:
            seconds = time.monotonic() - began
            value = validated(prepared.watched, fitted, config.training)
            tried.append(Tried(one.name, fitted, seconds, value))
    return tried


def validated(watched: Table, fitted: Fitted, training: Training) -> float:
    """Return the monitored metric of a calibrated model, signed so that higher is better."""
    logits = fitted.calibrator.logit(fitted.logits, watched.inputs.ids)
    return monitored(logits.astype(np.float32), watched, training)


def chosen(tried: Sequence[Tried], asked: str | None = None) -> Tried:
    """Return the model that is kept: the first of the best on validation, or what is asked for."""
    if asked is None:
        return max(tried, key=lambda one: one.value)
    return next(one for one in tried if one.name == asked)
