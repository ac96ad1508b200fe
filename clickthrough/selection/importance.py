"""What trees make of each feature: gain and splits of its columns, fold by fold."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.model import LightGbm
from clickthrough.config.root import Config
from clickthrough.config.training import Calibration
from clickthrough.errors import DataError
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.models.trees import FittedTrees, Sizes
from clickthrough.models.trees.inputs import LOOKED_UP
from clickthrough.selection.folds import FOLDS, dealt, folds, levelled, newest
from clickthrough.selection.validated import validated_gains
from clickthrough.steps import advance
from clickthrough.training.fit import fit
from clickthrough.training.fit_trees import FittedGraph
from clickthrough.training.prepare import Prepared
from clickthrough.training.rows.table import Table

Floats = NDArray[np.float64]

MOST_ROWS = 300_000
"""Trees are fitted to so many of the newest rows: of more, they would tell the same later."""
_FEWEST = 3
"""Folds by which the error of a mean can be told."""
_LOGS, _DRAWS = 20, 20
"""One log of so many has a candidate on noise above the level; it is told by so many draws."""


@dataclass(frozen=True)
class Importances:
    """What trees made of the columns of candidates.

    Attributes:
        origins: the feature of each column, in the order in which trees see them.
        gain: what the splits on each column gained in training, shape (folds, columns), as the
            following ones.
        split: how often each was split on.
        validated: by how much these splits lower log loss on the block after the fold, in nats an
            impression.
        noise: the same where clicks were dealt out anew.
    """

    origins: list[str]
    gain: Floats
    split: Floats
    validated: Floats
    noise: Floats

    @property
    def names(self) -> list[str]:
        """The features, each once."""
        return list(dict.fromkeys(self.origins))

    def gains(self) -> Floats:
        """Return each feature's share of all gain in training, shape (folds, features)."""
        summed = self._summed(self.gain)
        whole: Floats = summed.sum(axis=1, keepdims=True)
        return np.divide(summed, whole, out=np.zeros_like(summed), where=whole > 0)

    def splits(self) -> Floats:
        """Return how often each feature was split on, shape (folds, features)."""
        return self._summed(self.split)

    def worth(self) -> Floats:
        """Return by how much each feature lowers later loss, shape (folds, features)."""
        return self._summed(self.validated)

    def best(self) -> Floats:
        """Return the same of each feature's best column, the one that is worth most over all."""
        means = self.validated.mean(axis=0)
        columns = {name: list[int]() for name in self.names}
        for column, origin in enumerate(self.origins):
            columns[origin].append(column)
        best = [max(own, key=means.__getitem__) for own in columns.values()]
        return self.validated[:, best]

    def level(self) -> float:
        """Return what noise is worth at most, over all folds, however many candidates there are.

        The highest of any candidate; and what one of so many would pass in one log of twenty, with
        the folds of any candidate on noise put together with those of any others.
        """
        columns, random = self.noise.shape[1], np.random.default_rng(0)
        drawn = [random.choice(own, _LOGS * _DRAWS * columns) for own in self.noise]
        rare = np.quantile(np.mean(drawn, axis=0), 1 - 1 / (_LOGS * columns))
        return max(0.0, float(self.noise.mean(axis=0).max()), float(rare))

    def _summed(self, values: Floats) -> Floats:
        """Sum the columns of each feature."""
        names = {name: place for place, name in enumerate(self.names)}
        places = [names[origin] for origin in self.origins]
        made = np.zeros((len(values), len(names)))
        for fold, own in enumerate(values):
            np.add.at(made[fold], places, own)
        return made


def importances(prepared: Prepared, config: Config, rounds: int) -> Importances:
    """Fit trees to each fold of the training part, and to its clicks dealt out anew.

    Args:
        prepared: the log.
        config: its seed, threads and weights.
        rounds: trees of a fit: as many on noise, where stopping early would leave none.

    Raises:
        DataError: too little of the training part comes after a click.
    """
    own = as_trees(config, rounds, patience=None)
    origins = tree_origins(prepared.encoder)
    found = [*_each_fold(prepared, own, config.training.seed)]
    if len(found) < _FEWEST:
        raise DataError(
            f"of {FOLDS} folds of the training part in order of time, {len(found)} have clicks and "
            f"others before them: at least {_FEWEST} are needed to tell what is above chance"
        )
    arrays = (np.array(rows, np.float64) for rows in zip(*found, strict=True))
    return Importances(origins, *arrays)


def _each_fold(
    prepared: Prepared, config: Config, seed: int
) -> Iterator[tuple[Floats, Floats, Floats, Floats]]:
    for fold, (before, after) in enumerate(folds(prepared.tables["train"])):
        advance(2 * fold, 2 * FOLDS)
        trees = fitted_trees(prepared, before, after, config)
        gain, split = (trees.booster.feature_importance(kind) for kind in ("gain", "split"))
        validated = validated_gains(trees, levelled(after))
        advance(2 * fold + 1, 2 * FOLDS)
        nulls = dealt(before, seed + fold, fold + 1), dealt(after, seed + FOLDS + fold)
        noise = validated_gains(fitted_trees(prepared, *nulls, config), levelled(nulls[1]))
        yield gain, split, validated, noise
    advance(2 * FOLDS, 2 * FOLDS)


def fitted_trees(
    prepared: Prepared, train: Table, validation: Table, config: Config
) -> FittedTrees:
    """Fit trees to the newest of some rows, requests of every size alike."""
    tables = {"train": levelled(newest(train, MOST_ROWS)), "validation": validation}
    fitted = fit(Prepared(prepared.encoder, prepared.schema, tables), config)
    assert fitted is not None  # noqa: S101 - selection runs in one process
    assert isinstance(fitted.model, FittedGraph)  # noqa: S101 - trees were asked for
    return fitted.model.trees


def as_trees(config: Config, rounds: int, patience: int | None) -> Config:
    """Return a configuration that fits trees quickly; nothing is made of their probabilities."""
    model = LightGbm(
        rounds=rounds, patience=patience, learning_rate=0.1, feature_fraction=0.3, max_bin=63
    )
    training = config.training.model_copy(update={"monitor": "log_loss", "listwise": 0.0})
    changed = {"model": model, "training": training, "calibration": Calibration(method="none")}
    return config.model_copy(update=changed)


def tree_origins(encoder: Encoder) -> list[str]:
    """Return the feature of each number that trees see, in their order."""
    sizes, slots = Sizes.of(encoder), encoder.slots
    ids = [slot.origin for slot in slots if slot.kind == "id"]
    bags = [slot.origin for slot in slots if slot.kind in ("bag", "sequence")]
    looked_up = [ids[column] for column in sizes.looked_up] + bags
    return [
        *(ids[column] for column in sizes.codes),
        *(origin for origin in looked_up for _ in range(LOOKED_UP)),
        *(slot.origin for slot in slots if slot.kind == "number"),
    ]
