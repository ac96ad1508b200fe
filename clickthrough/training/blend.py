"""Several families as one model: logits weighed by what the validation part says, in one graph."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from scipy.optimize import minimize

from clickthrough.bundle import layout
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.calibration.credibility import credibility
from clickthrough.cleanup import scratch_directory
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.training.fitted import EXAMPLE_ROWS, Scored

Floats = NDArray[np.float64]
_LEAST = 1e-3
"""A member that weighs less is not asked."""


class Blended:
    """Members whose logits are added up with weights.

    Args:
        members: fitted.
        weights: of each, shape (members,).
    """

    def __init__(self, members: Sequence[Scored], weights: Sequence[float]) -> None:
        pairs = [(m, w) for m, w in zip(members, weights, strict=True) if w >= _LEAST]
        self.members = [member for member, _ in pairs]
        self.weights = np.array([weight for _, weight in pairs], np.float32)

    def logits(self, inputs: Encoded) -> NDArray[np.float32]:
        """Return logits of encoded rows, shape (n,)."""
        total = np.zeros(len(inputs), np.float32)
        for member, weight in zip(self.members, self.weights, strict=True):
            total += weight * member.logits(inputs)
        return total

    def write(self, folder: Path, example: Encoded) -> None:
        """Write one graph of all members; none of them can be gone on from."""
        with scratch_directory() as beside:
            graphs = []
            for place, member in enumerate(self.members):
                own = beside / str(place)
                own.mkdir()
                member.write(own, example)
                graphs.append(onnx.load(own / layout.ONNX))
        joined = joined_graphs(graphs, self.weights.tolist())
        (folder / layout.ONNX).write_bytes(joined.SerializeToString(deterministic=True))
        OnnxModel(folder / layout.ONNX).logits(example[:EXAMPLE_ROWS])  # it must load


def fit_weights(logits: Sequence[NDArray[np.floating]], labels: NDArray[np.int8]) -> Floats:
    """Return the weights, none below 0, by which logits tell labels best; shape (members,).

    Log loss with a free intercept, which calibration takes over: stacking with the logistic link
    (Wolpert, 1992; weights of one sign as Breiman, 1996, has them). Of few clicks they are believed
    as far as a calibration is, :func:`credibility`; the rest is their mean.

    Args:
        logits: of each member on the validation part, shape (n,).
        labels: 0 or 1, shape (n,).
    """
    columns = np.stack([np.asarray(own, np.float64) for own in logits], axis=1)
    clicked = labels.astype(np.float64)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        z = columns @ parameters[:-1] + parameters[-1]
        gradient = 1 / (1 + np.exp(-z)) - clicked
        value = float(np.mean(np.logaddexp(0, z) - clicked * z))
        return value, np.append(columns.T @ gradient, gradient.sum()) / len(z)

    equal = np.full(len(logits), 1 / len(logits))
    believed = credibility(labels)
    if not believed:
        return equal
    start = np.append(equal, 0.0)
    bounds = [(0.0, None)] * len(logits) + [(None, None)]
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
    weights: Floats = np.asarray(found.x[:-1], np.float64)
    return believed * weights + (1 - believed) * equal if weights.max() >= _LEAST else equal


def joined_graphs(graphs: Sequence[onnx.ModelProto], weights: Sequence[float]) -> onnx.ModelProto:
    """Return one graph of several: the weighted sum of their outputs, added one after another.

    Args:
        graphs: each from the same inputs, or some of them, to ``logit``.
        weights: of each.
    """
    made = onnx.ModelProto()
    made.ir_version = max(graph.ir_version for graph in graphs)
    _join_opsets(made, graphs)
    inputs: dict[str, onnx.ValueInfoProto] = {}
    for place, (graph, weight) in enumerate(zip(graphs, weights, strict=True)):
        inputs |= {entry.name: entry for entry in graph.graph.input}
        own = onnx.compose.add_prefix(graph, f"m{place}_", rename_inputs=False)
        made.graph.node.extend(own.graph.node)
        made.graph.initializer.extend(own.graph.initializer)
        made.functions.extend(own.functions)
        factor = onnx.numpy_helper.from_array(np.array(weight, np.float32), f"weight_{place}")
        made.graph.initializer.append(factor)
        made.graph.node.append(
            onnx.helper.make_node("Mul", [f"m{place}_logit", f"weight_{place}"], [f"said_{place}"])
        )
    _add_up(made, len(graphs))
    made.graph.name = "blend"
    made.graph.input.extend(_of_any_rows(entry) for entry in inputs.values())
    rows = onnx.helper.make_tensor_value_info("logit", onnx.TensorProto.FLOAT, ["rows"])
    made.graph.output.append(rows)
    return made


def _add_up(made: onnx.ModelProto, count: int) -> None:
    total = "said_0"
    for place in range(1, count):
        name = f"total_{place}"
        made.graph.node.append(onnx.helper.make_node("Add", [total, f"said_{place}"], [name]))
        total = name
    made.graph.node.append(onnx.helper.make_node("Identity", [total], ["logit"]))


def _join_opsets(made: onnx.ModelProto, graphs: Sequence[onnx.ModelProto]) -> None:
    """Take the newest version of each set of operators: those that members use read alike in it."""
    versions: dict[str, int] = {}
    for graph in graphs:
        for entry in graph.opset_import:
            versions[entry.domain] = max(versions.get(entry.domain, 0), entry.version)
    made.opset_import.extend(onnx.helper.make_opsetid(d, v) for d, v in versions.items())


def _of_any_rows(entry: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    """Return an input whose number of rows has one name in all graphs."""
    made = onnx.ValueInfoProto()
    made.CopyFrom(entry)
    made.type.tensor_type.shape.dim[0].dim_param = "rows"
    return made
