"""From fitted trees to an ONNX graph whose logits are LightGBM's own, to the last bit.

Thresholds, leaves and their sum are float64 there, as in LightGBM; ids and bags are read as
:meth:`clickthrough.models.trees.inputs.TreeInputs.matrix` reads them, step for step.
"""

from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto, TensorProto, numpy_helper

from clickthrough.models.trees.flat import FlatTrees
from clickthrough.models.trees.inputs import WEIGHT_STEP, TreeInputs
from clickthrough.models.trees.nodes import OUTPUT, Nodes

if TYPE_CHECKING:
    import lightgbm


def tree_graph(inputs: TreeInputs, numeric: int, booster: "lightgbm.Booster") -> ModelProto:
    """Return the graph of trees.

    Args:
        inputs: what they see of ids and bags.
        numeric: the number of numeric inputs.
        booster: the trees, fitted to ``inputs.matrix``.

    Returns:
        A graph with those inputs of a model that have columns, and ``logit``, float32, shape (n,).
    """
    nodes = Nodes()
    seen = [*_ids(nodes, inputs), *_bags(nodes, inputs)]
    if numeric:
        seen.append(nodes.input("numeric", numeric))
    wide = nodes.add("Cast", [nodes.add("Concat", seen, axis=1)], to=TensorProto.DOUBLE)
    logits = nodes.add("Cast", [_trees(nodes, wide, FlatTrees.of(booster))], to=TensorProto.FLOAT)
    nodes.add("Reshape", [logits, nodes.constant("one_axis", np.array([-1]))], OUTPUT)
    return nodes.model()


def _ids(nodes: Nodes, inputs: TreeInputs) -> list[str]:
    """Add the id columns: codes, then what the others read as."""
    sizes, made = inputs.sizes, []
    if sizes.ids:
        nodes.input("ids", len(sizes.ids))
    if sizes.codes:
        places = nodes.constant("codes", np.array(sizes.codes))
        codes = nodes.add("Gather", ["ids", places], axis=1)
        made.append(nodes.add("Cast", [codes], to=TensorProto.FLOAT))
    if sizes.looked_up:
        places = nodes.constant("looked_up", np.array(sizes.looked_up))
        ids = nodes.add("Gather", ["ids", places], axis=1)
        starts = nodes.constant("id_starts", sizes.id_starts)
        made.append(nodes.add("Flatten", [_read(nodes, inputs, ids, starts)], axis=1))
    return made


def _bags(nodes: Nodes, inputs: TreeInputs) -> list[str]:
    """Add the bags: the weighted mean of what the ids of each read as."""
    sizes = inputs.sizes
    if not sizes.bags:
        return []
    width = sum(sizes.lengths)
    ids = nodes.input("bag_ids", width)
    read = _read(nodes, inputs, ids, nodes.constant("bag_starts", sizes.bag_starts))
    weights = nodes.add("Cast", [nodes.input("bag_weights", width)], to=TensorProto.DOUBLE)
    step = nodes.constant("weight_step", np.array(WEIGHT_STEP))
    weights = nodes.add("Mul", [nodes.add("Round", [nodes.add("Div", [weights, step])]), step])
    weights = nodes.add("Unsqueeze", [weights, nodes.constant("last_axis", np.array([2]))])
    terms = nodes.add("Mul", [nodes.add("Cast", [read], to=TensorProto.DOUBLE), weights])
    terms = nodes.add("Flatten", [terms], axis=1)
    sums = nodes.add("MatMul", [terms, nodes.constant("adds", sizes.adds)])
    return [nodes.add("Cast", [sums], to=TensorProto.FLOAT)]


def _read(nodes: Nodes, inputs: TreeInputs, ids: str, starts: str) -> str:
    """Add the look-up of ids, shape (n, columns) -> (n, columns, 2)."""
    rows = nodes.add("Add", [ids, starts])
    return nodes.add("Gather", [nodes.constant("table", inputs.table), rows], axis=0)


def _trees(nodes: Nodes, matrix: str, trees: FlatTrees) -> str:
    """Add the sum of the trees, in their order, float64, shape (n, width) -> (n, 1)."""
    modes = np.zeros(len(trees.columns), np.uint8)  # all ask for "at most"
    return nodes.add(
        "TreeEnsemble",
        [matrix],
        domain="ai.onnx.ml",
        n_targets=1,
        tree_roots=trees.roots,
        nodes_featureids=trees.columns,
        nodes_splits=numpy_helper.from_array(trees.thresholds),
        nodes_modes=numpy_helper.from_array(modes),
        nodes_truenodeids=trees.children[:, 0],
        nodes_falsenodeids=trees.children[:, 1],
        nodes_trueleafs=trees.ends[:, 0].astype(np.int64),
        nodes_falseleafs=trees.ends[:, 1].astype(np.int64),
        leaf_weights=numpy_helper.from_array(trees.leaves),
        leaf_targetids=np.zeros(len(trees.leaves), np.int64),
    )
