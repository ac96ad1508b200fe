"""Validation AUC against the number of features kept, and what the chosen set retains.

The area under it is that of ERASE (P. Jia et al., "ERASE: Benchmarking feature selection methods
for deep recommender systems", KDD 2024): it compares whole orders, not one set.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from clickthrough.config.root import Config
from clickthrough.evaluation.metrics import auc, request_auc
from clickthrough.selection.chosen import chosen
from clickthrough.selection.importance import as_trees, fitted_trees
from clickthrough.steps import counted
from clickthrough.training.prepare import Prepared

_ROUNDS, _PATIENCE = 300, 30


@dataclass(frozen=True)
class Point:
    """What trees reach on the validation part with some features.

    Attributes:
        features: how many.
        auc: of all impressions.
        request_auc: within requests; nan where none has both.
    """

    features: int
    auc: float
    request_auc: float


@dataclass(frozen=True)
class Curve:
    """What sets of features reach.

    Attributes:
        points: of the best 1, 2, 4, ..., by importance.
        whole: of all candidates.
        kept: of what stays.
    """

    points: list[Point]
    whole: Point
    kept: Point

    @property
    def area(self) -> float:
        """The area under AUC against the share of the features, from one to all."""
        sizes = np.array([point.features for point in self.points], np.float64)
        reached = np.array([point.auc for point in self.points])
        if len(sizes) == 1:
            return float(reached[0])
        return float(np.trapezoid(reached, sizes) / (sizes[-1] - sizes[0]))

    @property
    def retained(self) -> float:
        """The share of what AUC has above one half that what stays keeps."""
        whole = self.whole.auc - 0.5
        return (self.kept.auc - 0.5) / whole if whole > 0 else float("nan")


def curve_of(
    prepared: Prepared, config: Config, ranked: Sequence[str], kept: Collection[str]
) -> Curve:
    """Fit trees to growing sets of features, to all, and to what stays.

    Args:
        prepared: the log; its training part is fitted to, its validation part measured on.
        config: seed and threads.
        ranked: all features, the best first.
        kept: what stays.
    """
    sizes = _sizes(len(ranked))
    sets: list[Collection[str]] = [ranked[:size] for size in sizes]
    points = [_point(prepared, config, own) for own in counted([*sets, kept], len(sets) + 1)]
    return Curve(points[:-1], points[-2], points[-1])


def _sizes(most: int) -> list[int]:
    """Return 1, 2, 4, ..., and all.

    >>> _sizes(9)
    [1, 2, 4, 8, 9]
    """
    sizes = [2**power for power in range(most.bit_length())]
    return [*(size for size in sizes if size < most), most]


def _point(prepared: Prepared, config: Config, names: Collection[str]) -> Point:
    some = chosen(prepared, set(names))
    validation = some.tables["validation"]
    own = as_trees(config, _ROUNDS, _PATIENCE)
    trees = fitted_trees(some, some.tables["train"], validation, own)
    scores = trees.logits(validation.inputs).astype(np.float64)
    whole = auc(validation.labels, scores)
    return Point(len(names), whole, request_auc(validation.labels, scores, validation.offsets))
