"""A graph in the making, a node at a time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

OUTPUT = "logit"

_OPSETS = {"": 18, "ai.onnx.ml": 5}
"""TreeEnsemble, which computes in float64, is of ai.onnx.ml 5."""
_IR = 10
_TYPES = {
    "ids": TensorProto.INT32,
    "numeric": TensorProto.FLOAT,
    "bag_ids": TensorProto.INT32,
    "bag_weights": TensorProto.FLOAT,
}


class Nodes:
    """Collects what a graph is made of; every value goes by a name."""

    def __init__(self) -> None:
        self._inputs: list[Any] = []
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def input(self, name: str, width: int) -> str:
        """Add an input of shape (rows, width), one of a model's."""
        self._inputs.append(helper.make_tensor_value_info(name, _TYPES[name], ["rows", width]))
        return name

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add values, once for a name."""
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def add(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:  # noqa: ANN401 - as ONNX has it
        """Add a node and return the name of what it computes."""
        output = output or f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def model(self) -> ModelProto:
        """Return the graph, checked.

        Raises:
            onnx.checker.ValidationError: a node is none of its operator set.
        """
        output = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows"])
        constants = list(self._constants.values())
        graph = helper.make_graph(self._nodes, "trees", self._inputs, [output], constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR)
        checker.check_model(model)
        return model
