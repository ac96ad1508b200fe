"""What a model rests on: its loss without each declared feature, and the size of its reasons."""

from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.calibration.base import sigmoid
from clickthrough.evaluation.metrics import auc, log_loss
from clickthrough.explain.explainer import Explainer
from clickthrough.explain.groups import Groups
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.steps import counted
from clickthrough.training.examining.drift import evenly, sampled

Floats = NDArray[np.float64]
_ROWS, _REPEATS = 10_000, 3
_EXPLAINED = 200
_SEED = 7


def importance(
    explainer: Explainer, inputs: Encoded, labels: NDArray[np.int8]
) -> list[dict[str, Any]]:
    """Return by how much predictions get worse where a feature's inputs are another row's.

    Breiman (2001), on the validation part: all inputs of a feature are dealt out among the rows
    together, so that only their tie to the clicks is lost. Two features that say the same each look
    small: the model has the other.

    Args:
        explainer: the model, and its declared features.
        inputs: encoded rows.
        labels: 0 or 1, shape (n,).

    Returns:
        Of each feature, the most important first: ``feature``, ``words``, the mean rise of log loss
        (``log_loss``) with its ``spread`` over repeats, the mean fall of AUC (``auc``; None where
        rows are all clicked or none is), and the mean size of its share in a logit (``reason``).
    """
    places = evenly(len(inputs), _ROWS)
    rows, clicks = inputs[places], np.asarray(labels)[places]
    groups = explainer.groups
    whole = _measured(explainer, rows, clicks)
    sizes = mean_sizes(explainer, rows)
    rng = np.random.default_rng(_SEED)
    orders = [rng.permutation(len(rows)) for _ in range(_REPEATS)]
    found = []
    for place, group in counted(enumerate(groups.every), len(groups.every)):
        without = [_measured(explainer, dealt(groups, place, rows, o), clicks) for o in orders]
        losses = [loss - whole[0] for loss, _ in without]
        fall = float(whole[1] - np.mean([area for _, area in without]))
        found.append(
            {
                "feature": group.name,
                "words": group.words,
                "log_loss": float(np.mean(losses)),
                "spread": float(np.std(losses)),
                "auc": None if isnan(fall) else fall,
                "reason": float(sizes[place]),
            }
        )
    return sorted(found, key=lambda one: -one["log_loss"])


def dealt(groups: Groups, group: int, rows: Encoded, order: NDArray[np.int64]) -> Encoded:
    """Return rows in which the inputs of a group are those of other rows."""
    arrays = rows.arrays()
    owners = (groups.ids, groups.numeric, groups.bags, groups.bags)
    made = []
    for array, owner in zip(arrays.values(), owners, strict=True):
        own = owner == group
        mixed = array.copy() if own.any() else array
        mixed[:, own] = array[order][:, own]
        made.append(mixed)
    return Encoded(*made)


def mean_sizes(explainer: Explainer, rows: Encoded) -> Floats:
    """Return the mean size of each group's share in the logits of some rows, shape (groups,)."""
    found = explainer.shares(sampled(rows, _EXPLAINED))
    return np.mean([np.abs(own.of) for own in found], axis=0)  # type: ignore[no-any-return]


def _measured(explainer: Explainer, rows: Encoded, labels: NDArray[np.int8]) -> tuple[float, float]:
    probabilities = sigmoid(explainer.logits(rows))
    return log_loss(labels, probabilities), auc(labels, probabilities)
