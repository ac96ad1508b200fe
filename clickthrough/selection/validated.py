"""What the splits of trees are worth on later rows.

In training every split gains, on noise too, and the more the more values a column has. What a split
changes in the loss of rows that came later is below 0 on average where it learned nothing.
(Z. Zhou and G. Hooker, "Unbiased measurement of feature importance in tree-based methods", 2021.)
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.models.trees import FittedTrees
from clickthrough.training.rows.table import Table

Floats = NDArray[np.float64]


def validated_gains(trees: FittedTrees, table: Table) -> Floats:
    """Return by how much the splits on each column lower log loss on rows not fitted to.

    Args:
        trees: fitted with log loss.
        table: the rows.

    Returns:
        Nats an impression, to second order of each tree's step, shape (columns,).
    """
    matrix = trees.inputs.matrix(table.inputs)
    leaves = np.asarray(trees.booster.predict(matrix, pred_leaf=True)).reshape(len(table), -1)
    weights = np.ones(len(table)) if table.weights is None else table.weights.astype(np.float64)
    gains = np.zeros(matrix.shape[1])
    structures = [one["tree_structure"] for one in trees.booster.dump_model()["tree_info"]]
    base = _value(structures[0]) if structures else 0.0  # the first tree holds the click rate too
    scores = np.full(len(table), base)
    for place, structure in enumerate(structures):
        own, start = leaves[:, place], base if place == 0 else 0.0
        rates = 1 / (1 + np.exp(-scores))
        slopes = np.stack([weights * (table.labels - rates), weights * rates * (1 - rates)])
        values = _add_gains(structure, own, slopes, start, gains)
        scores += values[own]
    return gains / float(weights.sum())


def _value(node: dict[str, Any]) -> float:
    return float(node["leaf_value"] if "leaf_value" in node else node["internal_value"])


def _add_gains(
    structure: dict[str, Any],
    leaves: NDArray[np.generic],
    slopes: Floats,
    start: float,
    gains: Floats,
) -> Floats:
    """Add the gains of a tree's splits to those of their columns; return its leaves' values."""
    count = int(leaves.max(initial=0)) + 1
    sums: Floats = np.stack([np.bincount(leaves, own, minlength=count) for own in slopes])
    values = np.zeros(count)

    def walk(node: dict[str, Any]) -> Floats:
        """Return the slopes of the rows below a node."""
        if "leaf_value" in node:
            leaf = node.get("leaf_index", 0)
            if leaf >= count:  # no row came there
                return np.zeros(2)
            values[leaf] = _value(node) - start
            return np.asarray(sums[:, leaf], np.float64)
        left, right = node["left_child"], node["right_child"]
        below = walk(left), walk(right)
        whole: Floats = below[0] + below[1]
        better = sum(
            _lowered(one, own, start) for one, own in zip((left, right), below, strict=True)
        )
        gains[node["split_feature"]] += better - _lowered(node, whole, start)
        return whole

    walk(structure)
    return values


def _lowered(node: dict[str, Any], slopes: Floats, start: float) -> float:
    """Return by how much a node's value lowers the loss of rows with these slopes."""
    value = _value(node) - start
    return float(slopes[0] * value - 0.5 * slopes[1] * value**2)
