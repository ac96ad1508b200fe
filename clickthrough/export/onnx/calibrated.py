"""A model's graph with its calibrator behind it, in float64 as the bundle computes it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, compose, helper, numpy_helper

from clickthrough.calibration.base import MOST_LOGIT
from clickthrough.export.onnx.pieces import Pieces

LOGIT, PROBABILITY = "logit", "probability"
"""The outputs, float64, shape (rows, 1)."""
_MODEL, _OWN = "model_", "calibrated_"
_OPSET = 18
"""Of the operators here: the least that a graph must know."""


def calibrated_graph(model: ModelProto, pieces: Pieces) -> ModelProto:
    """Return a graph whose outputs are calibrated.

    Args:
        model: from some of the inputs of :class:`Encoded` to ``logit``, float32, shape (rows,).
            Weights that lie beside its file stay there.
        pieces: of the calibrator.

    Raises:
        onnx.checker.ValidationError: the graph is none.
    """
    made = compose.add_prefix(model, _MODEL, rename_inputs=False)
    _know_operators(made)
    del made.graph.output[:]
    nodes = _Nodes()
    curve = None
    if pieces.column is not None:
        column = nodes.constant("column", np.array([pieces.column]))
        own = nodes.add("Gather", ["ids", column], axis=1)  # (rows, 1)
        curve = nodes.add("Gather", [nodes.constant("curve_of", pieces.curve_of), own])
    score = nodes.add("Cast", [f"{_MODEL}{LOGIT}"], to=TensorProto.DOUBLE)
    score = nodes.add("Reshape", [score, nodes.constant("a_row", np.array([-1, 1]))])
    _on_curve(nodes, score, curve, pieces)
    made.graph.node.extend(nodes.nodes)
    made.graph.initializer.extend(nodes.constants.values())
    for name in (PROBABILITY, LOGIT):
        made.graph.output.append(
            helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["rows", 1])
        )
    made.graph.name = "calibrated"
    return made


class _Nodes:
    """Collects nodes whose names are no name of the model's."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add values."""
        tensor = numpy_helper.from_array(np.ascontiguousarray(values), f"{_OWN}{name}")
        self.constants[name] = tensor
        return tensor.name

    def add(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:  # noqa: ANN401 - as ONNX has it
        """Add a node and return the name of what it computes."""
        output = output or f"{_OWN}{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [*inputs], [output], **attributes))
        return output


def _on_curve(nodes: _Nodes, score: str, curve: str | None, pieces: Pieces) -> None:
    """Add the piece of a curve on which each score lies, and both outputs."""
    piece = nodes.add("Cast", [_reached(nodes, score, curve, pieces)], to=TensorProto.INT64)
    piece = nodes.add("ReduceSum", [piece, nodes.constant("last_axis", np.array([1]))], keepdims=1)
    if curve is not None:  # tables of all curves lie one after another
        width = nodes.constant("pieces", np.array(pieces.starts.shape[1]))
        piece = nodes.add("Add", [piece, nodes.add("Mul", [curve, width])])
    start, value, slope = (
        nodes.add("Gather", [nodes.constant(name, table.ravel()), piece])
        for name, table in (
            ("starts", pieces.starts), ("values", pieces.values), ("slopes", pieces.slopes),
        )
    )  # fmt: skip
    beyond = nodes.add("Sub", [score, start])
    nodes.add("Add", [value, nodes.add("Mul", [slope, beyond])], LOGIT)
    _sigmoid(nodes)


def _reached(nodes: _Nodes, score: str, curve: str | None, pieces: Pieces) -> str:
    """Add whether a score has reached each knot, shape (rows, knots)."""
    knots = nodes.constant("knots", pieces.knots)
    if curve is not None:
        one = nodes.add("Reshape", [curve, nodes.constant("flat", np.array([-1]))])
        knots = nodes.add("Gather", [knots, one])
    return nodes.add("GreaterOrEqual", [score, knots])


def _sigmoid(nodes: _Nodes) -> None:
    most = nodes.constant("most", np.array(MOST_LOGIT))
    least = nodes.constant("least", np.array(-MOST_LOGIT))
    held = nodes.add("Max", [nodes.add("Min", [LOGIT, most]), least])
    shrunk = nodes.add("Exp", [nodes.add("Neg", [held])])
    total = nodes.add("Add", [shrunk, nodes.constant("one", np.array(1.0))])
    nodes.add("Reciprocal", [total], PROBABILITY)


def _know_operators(model: ModelProto) -> None:
    """Let a graph know the operators that are added; newer sets read them alike."""
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx"):
            entry.version = max(entry.version, _OPSET)
            return
    model.opset_import.append(helper.make_opsetid("", _OPSET))
