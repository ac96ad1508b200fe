"""Validation AUC against the number of features kept, and what the chosen set retains.

The area under it is that of ERASE (P. Jia et al., "ERASE: Benchmarking feature selection methods
for deep recommender systems", KDD 2024): it compares whole orders, not one set.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clickthrough.config.root import Config
from clickthrough.evaluation.metrics import auc, request_auc
from clickthrough.selection.folds import newest
from clickthrough.selection.importance import MOST_ROWS, as_trees, fitted_trees
from clickthrough.steps import counted
from clickthrough.training.narrowed import with_features
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
        points: of the best 1, 2, 4, ... of those that are not told from noise or one another.
        whole: of all candidates.
        kept: of what stays.
    """

    points: list[Point]
    whole: Point
    kept: Point

    @property
    def area(self) -> float:
        """The area under AUC against the share of the features, from the fewest to all."""
        sizes = np.array([point.features for point in self.points], np.float64)
        reached = np.array([point.auc for point in self.points])
        if sizes[0] == sizes[-1]:
            return float(reached[-1])
        return float(np.trapezoid(reached, sizes) / (sizes[-1] - sizes[0]))

    @property
    def retained(self) -> float:
        """The share of what AUC has above one half that what stays keeps."""
        return _share(self.kept.auc, self.whole.auc)


class Sets:
    """Growing sets of features, and what trees reach with them on the validation part.

    Args:
        prepared: the log; trees are fitted to its training part.
        config: seed and threads.
        ranked: features that may stay, the best first.
        always: those that stay in any case.
    """

    def __init__(
        self, prepared: Prepared, config: Config, ranked: Sequence[str], always: Collection[str]
    ) -> None:
        self._prepared, self._config = prepared, config
        self._ranked, self._always = ranked, [name for name in ranked if name in always]
        self._known: dict[int, Point] = {}

    def names(self, size: int) -> list[str]:
        """Return a set: so many of the best, and those that stay in any case."""
        return list(dict.fromkeys([*self._ranked[:size], *self._always]))

    def point(self, size: int) -> Point:
        """Return what a set reaches."""
        if size not in self._known:
            self._known[size] = point_of(self._prepared, self._config, self.names(size))
        return self._known[size]

    def curve(self, whole: Point, size: int) -> Curve:
        """Return what sets reach, beside all candidates and the set of a size that stays."""
        sizes = _sizes(len(self._ranked))
        points = [self.point(own) for own in counted(sizes, len(sizes))]
        return Curve(points, whole, self.point(size))

    def fewest(self, whole: Point, share: float) -> int:
        """Return the size of the smallest set that keeps a share of what AUC has above one half.

        Of all impressions and within requests; all, where no smaller set does.
        """
        low = 0
        for size in _sizes(len(self._ranked)):
            if self._keeps(size, whole, share):
                return self._between(low, size, whole, share)
            low = size
        return len(self._ranked)

    def _between(self, low: int, high: int, whole: Point, share: float) -> int:
        """Bisect: the smaller set does not keep enough, the larger one does."""
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._keeps(middle, whole, share) else (middle, high)
        return high

    def _keeps(self, size: int, whole: Point, share: float) -> bool:
        own = self.point(size)
        kept = [_share(own.auc, whole.auc), _share(own.request_auc, whole.request_auc)]
        return all(one >= share for one in kept if np.isfinite(one))


def _share(own: float, whole: float) -> float:
    return (own - 0.5) / (whole - 0.5) if whole > 0.5 else float("nan")


def _sizes(most: int) -> list[int]:
    """Return 1, 2, 4, ..., and all.

    >>> _sizes(9)
    [1, 2, 4, 8, 9]
    """
    sizes = [2**power for power in range(most.bit_length())]
    return [*(size for size in sizes if size < most), most]


def point_of(prepared: Prepared, config: Config, names: Collection[str]) -> Point:
    """Return what trees reach on the validation part with some features."""
    newer = prepared.tables | {"train": newest(prepared.tables["train"], MOST_ROWS)}
    some = with_features(replace(prepared, tables=newer), set(names))  # copies what it keeps
    validation = some.tables["validation"]
    own = as_trees(config, _ROUNDS, _PATIENCE)
    trees = fitted_trees(some, some.tables["train"], validation, own)
    scores = trees.logits(validation.inputs).astype(np.float64)
    whole = auc(validation.labels, scores)
    return Point(len(names), whole, request_auc(validation.labels, scores, validation.offsets))
