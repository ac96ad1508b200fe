"""Fitted trees as lists of nodes and leaves, of one tree after another."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import lightgbm

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ZERO = float(np.float32(1e-35))
"""LightGBM reads a number that is no further from 0 as 0."""


@dataclass(frozen=True)
class FlatTrees:
    """Trees whose every node asks whether a number is at most a threshold.

    Attributes:
        roots: the node at which each tree starts, shape (trees,).
        columns: the number that a node asks about, shape (nodes,), as the following ones.
        thresholds: what it is compared with, float64.
        children: where a number at most that goes, and a greater one, shape (nodes, 2): the place
            of a node, or of a leaf.
        ends: whether that is a leaf, bool, shape (nodes, 2).
        leaves: their values, float64, shape (leaves,).
    """

    roots: Ints
    columns: Ints
    thresholds: Floats
    children: Ints
    ends: NDArray[np.bool_]
    leaves: Floats

    @classmethod
    def of(cls, booster: "lightgbm.Booster") -> "FlatTrees":
        """Flatten the trees of a booster that was fitted without categorical splits.

        They are read from LightGBM's own file format, which holds every digit.
        """
        blocks = booster.model_to_string().split("\nend of trees")[0].split("\nTree=")[1:]
        trees = [_tree(block) for block in blocks]
        nodes = np.cumsum([0, *(len(tree.columns) for tree in trees)])
        leaves = np.cumsum([0, *(len(tree.leaves) for tree in trees)])
        starts = zip(nodes[:-1], leaves[:-1], trees, strict=True)
        return cls(
            nodes[:-1],
            np.concatenate([tree.columns for tree in trees]),
            np.concatenate([tree.thresholds for tree in trees]),
            np.concatenate([t.children + np.where(t.ends, leaf, node) for node, leaf, t in starts]),
            np.concatenate([tree.ends for tree in trees]),
            np.concatenate([tree.leaves for tree in trees]),
        )


def _tree(block: str) -> FlatTrees:
    """Read one tree: lines of a name, ``=`` and numbers; a child below 0 is a leaf's complement."""
    fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    leaves = np.array(fields["leaf_value"].split(), np.float64)
    if len(leaves) == 1:  # no question at all: both answers lead to the leaf
        fields |= {"split_feature": "0", "threshold": "0", "left_child": "-1", "right_child": "-1"}
    sides = [np.array(fields[name].split(), np.int64) for name in ("left_child", "right_child")]
    children = np.stack(sides, axis=1)
    thresholds = np.array(fields["threshold"].split(), np.float64)
    return FlatTrees(
        np.zeros(1, np.int64),
        np.array(fields["split_feature"].split(), np.int64),
        _without_zeros(thresholds),
        np.where(children < 0, ~children, children),
        children < 0,
        leaves,
    )


def _without_zeros(thresholds: Floats) -> Floats:
    """Return thresholds at which numbers go where they would if those near 0 were 0."""
    below = np.where(
        (thresholds >= -_ZERO) & (thresholds < 0), np.nextafter(-_ZERO, -1), thresholds
    )
    return np.where((thresholds >= 0) & (thresholds < _ZERO), _ZERO, below)
