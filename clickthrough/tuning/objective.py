"""What a trial is worth: its configuration fitted, and judged on the validation part alone."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import torch
from optuna.exceptions import TrialPruned
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import TPESampler
from optuna.trial import Trial

from clickthrough.bundle import layout
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.cleanup import scratch_directory
from clickthrough.comparison.run import milliseconds
from clickthrough.config.model import TorchFamily
from clickthrough.config.root import Config
from clickthrough.config.tune import MILLISECONDS, Tune
from clickthrough.training.fit import Fitted, fit
from clickthrough.training.fitted import FittedModule
from clickthrough.training.narrowed import narrowed
from clickthrough.training.optim.monitor import monitored, sign_of
from clickthrough.training.prepare import Prepared
from clickthrough.training.resuming.position import Epoch
from clickthrough.training.rows.table import Table
from clickthrough.training.told import Told
from clickthrough.tuning.queue import first_number
from clickthrough.tuning.space import Space
from clickthrough.tuning.storage import Direction

WEIGHTS, SECONDS, EPOCHS = "weights", "seconds", "epochs"
"""Attributes of a trial: a digest of its weights; what it took."""
_REDUCTION = 3
_SHARES = (1 / 9, 1 / 3)
"""Of the training period, counted back from its end, before a trial sees all of it."""


class Objective:
    """Fits and judges a trial.

    Args:
        space: what is searched.
        prepared: the train and validation parts, with all features.
    """

    def __init__(self, space: Space, prepared: Prepared) -> None:
        self._space, self._prepared = space, prepared

    def __call__(self, trial: Trial) -> Sequence[float]:
        """Run a trial; see :data:`clickthrough.tuning.work.Objective`."""
        self._space.suggest(trial)
        config = self._space.config_of(trial.params, first_number(trial))
        prepared = narrowed(self._prepared, config)
        start = time.perf_counter()
        fitted = self._fitted(trial, prepared, config)
        trial.set_user_attr(SECONDS, round(time.perf_counter() - start, 2))
        trial.set_user_attr(EPOCHS, len(fitted.epochs))
        trial.set_user_attr(WEIGHTS, digest_of(fitted))
        return [_judged(metric, fitted, prepared) for metric in self._space.metrics]

    def _fitted(self, trial: Trial, prepared: Prepared, config: Config) -> Fitted:
        prunes = len(self._space.metrics) == 1  # of several, Optuna cannot say which is worse
        how = self._space.config.tune.pruning if prunes else "none"
        if how == "days":
            for place, share in enumerate(_SHARES):
                tables = prepared.tables | {"train": latest(prepared.tables["train"], share)}
                rung = _fit(replace(prepared, tables=tables), config, Told())
                value = _judged(config.training.monitor, rung, prepared)
                _report(trial, value, _REDUCTION**place)
        elif how != "none" and isinstance(config.model, TorchFamily):
            return _fit(prepared, config, Told(evaluated=lambda epoch: _reached(trial, epoch)))
        return _fit(prepared, config, Told())


def _fit(prepared: Prepared, config: Config, told: Told) -> Fitted:
    fitted = fit(prepared, config, told)
    assert fitted is not None  # noqa: S101 - a worker is one process
    return fitted


def _reached(trial: Trial, epoch: Epoch) -> None:
    _report(trial, epoch.monitored, epoch.number)


def _report(trial: Trial, value: float, step: int) -> None:
    trial.report(value, step)
    if trial.should_prune():
        raise TrialPruned


def _judged(metric: str, fitted: Fitted, prepared: Prepared) -> float:
    """Return a metric of the validation part, before calibration, or the time of the graph."""
    watched = prepared.watched
    if metric not in MILLISECONDS:
        training = fitted.config.training.model_copy(update={"monitor": metric})
        return sign_of(metric) * monitored(fitted.logits, watched, training)
    with scratch_directory() as folder:
        fitted.model.write(folder, watched.inputs)
        graph = OnnxModel(folder / layout.ONNX)
        return milliseconds(graph, watched.inputs, int(metric.removeprefix("ms_")))


def latest(table: Table, share: float) -> Table:
    """Return the last requests of a part, which is in order of time."""
    requests = len(table.offsets) - 1
    return table.requests(int(requests * (1 - share)), requests)


def digest_of(fitted: Fitted) -> str:
    """Return a digest of a model's weights; where it has none of torch, of what it says."""
    if isinstance(fitted.model, FittedModule):
        return digest_of_weights(fitted.model.model.state_dict())
    return blake2b(fitted.logits.tobytes(), digest_size=16).hexdigest()


def digest_of_weights(weights: Mapping[str, torch.Tensor]) -> str:
    """Return a digest of weights by their names."""
    digest = blake2b(digest_size=16)
    for name, value in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value.cpu().numpy()).tobytes())
    return digest.hexdigest()


def sampler_of(seed: int, settings: Tune, number: int) -> TPESampler:
    """Return what draws the parameters of a trial: by what others came to, and its number."""
    return TPESampler(seed=(seed + number) % 2**32, n_startup_trials=settings.startup)


def pruner_of(settings: Tune) -> BasePruner:
    """Return what ends trials early."""
    match settings.pruning:
        case "median":
            return MedianPruner(n_startup_trials=5)
        case "epochs" | "days":
            return SuccessiveHalvingPruner(min_resource=1, reduction_factor=_REDUCTION)
    return NopPruner()


def directions_of(metrics: Sequence[str]) -> list[Direction]:
    """Return which way each objective is better."""
    return [
        "minimize" if metric in MILLISECONDS or sign_of(metric) < 0 else "maximize"
        for metric in metrics
    ]
