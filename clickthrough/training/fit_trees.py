"""Boosted trees as a family: fitted by LightGBM, served as a graph."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle import layout
from clickthrough.config.model import LightGbm
from clickthrough.config.root import Config
from clickthrough.config.training import Training
from clickthrough.errors import ConfigError
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.trees import FittedTrees, Sizes, TreeSettings, fit_trees
from clickthrough.steps import step
from clickthrough.training.distributed.place import Place
from clickthrough.training.fitted import Scored
from clickthrough.training.optim.monitor import monitored, sign_of
from clickthrough.training.prepare import Prepared
from clickthrough.training.resuming.position import Epoch
from clickthrough.training.rows.table import Table
from clickthrough.training.told import Told
from clickthrough.training.where import Where

_MOST_RANKED = 10_000
"""LightGBM refuses larger queries."""


class FittedGraph:
    """Trees, under the names that a bundle has for its files.

    Args:
        trees: fitted.
    """

    def __init__(self, trees: FittedTrees) -> None:
        self.trees = trees

    def logits(self, inputs: Encoded) -> NDArray[np.float32]:
        """Return logits of encoded rows, shape (n,)."""
        return self.trees.logits(inputs)

    def write(self, folder: Path, example: Encoded) -> None:
        """Write the graph."""
        self.trees.write(folder / layout.ONNX)


def fit_lightgbm(
    prepared: Prepared, config: Config, told: Told, where: Where
) -> tuple[Scored, list[Epoch]]:
    """Fit trees. Of ``training``, they take seed, threads, weights of rows and the monitor.

    Raises:
        ConfigError: in several processes, or to go on from a bundle.
    """
    settings = config.model
    assert isinstance(settings, LightGbm)  # noqa: S101
    place = where.place or Place.of(config.training)
    if place.group.size > 1:
        raise ConfigError("model: 'lightgbm' is fitted in one process; leave out torchrun")
    encoder, train = prepared.encoder, prepared.tables["train"]
    if settings.objective == "lambdarank":
        _refuse_unrankable(train)
    sizes = Sizes.of(encoder)
    training = config.training
    given = settings.model_dump() | {"seed": training.seed, "threads": training.threads or 0}
    _tell_unused(training, told)
    watched = prepared.watched
    with step("growing trees"):
        trees = fit_trees(train, watched, sizes, TreeSettings(**given))
    fitted = FittedGraph(trees)
    rounds = trees.booster.current_iteration()
    value = sign_of(training.monitor) * monitored(fitted.logits(watched.inputs), watched, training)
    epoch = Epoch(rounds, None, value)
    told.evaluated(epoch)
    told.say(f"{rounds} trees: validation {training.monitor} {value:.4f}")
    return fitted, [epoch]


def _tell_unused(training: Training, told: Told) -> None:
    """Name what is configured of the loss, and not of the rates and epochs, and changes nothing."""
    unused = [name for name in ("listwise", "pos_weight", "negatives") if _is_given(training, name)]
    if unused:
        told.say(f"trees leave aside: {', '.join(f'training.{name}' for name in unused)}")


def _is_given(training: Training, name: str) -> bool:
    return bool(getattr(training, name) != Training.model_fields[name].default)


def _refuse_unrankable(train: Table) -> None:
    """Refuse requests in which LambdaRank could learn no order, or that it does not take."""
    most = int(np.diff(train.offsets).max())
    if most < 2:
        raise ConfigError(
            "model.objective: 'lambdarank' orders the candidates of a request, and every request "
            "of the training part has a single one; expected 'binary'"
        )
    if most > _MOST_RANKED:
        raise ConfigError(
            f"model.objective: 'lambdarank' takes requests of up to {_MOST_RANKED:,} candidates, "
            f"the training part has one of {most:,}; expected 'binary'"
        )
