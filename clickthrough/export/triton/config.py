"""``config.pbtxt`` of both models of a repository."""

from collections.abc import Mapping
from typing import Any

from clickthrough.config.serving import Serving
from clickthrough.export.triton.pbtxt import Enum, Field
from clickthrough.serving.open_inference import INPUT, MODEL, OUTPUTS

ENCODED = f"{MODEL}_encoded"
"""The model that takes encoded inputs."""
WARM = "no_fields"
"""The file of an impression of which nothing is known, by which the raw model warms up."""
_TYPES = {
    "int32": "TYPE_INT32",
    "float32": "TYPE_FP32",
    "float64": "TYPE_FP64",
}
_DEADLINE = 1_000_000
"""Microseconds that a request may wait for its turn; then it is refused."""


def raw_config(serving: Serving) -> dict[str, Field]:
    """Return the configuration of the model that takes raw fields.

    Args:
        serving: bounds rows of a batch and requests that wait.
    """
    text = Enum("TYPE_STRING")
    double = Enum("TYPE_FP64")
    element: dict[str, Field] = {"data_type": text, "dims": [1]}
    return {
        "name": MODEL,
        "backend": "python",
        "max_batch_size": serving.max_impressions,
        "input": [{"name": INPUT, **element}],
        "output": [
            {"name": name, "data_type": text if kind == "BYTES" else double, "dims": [1]}
            for name, (kind, _) in OUTPUTS.items()
        ],
        "dynamic_batching": _batching(serving),
        "instance_group": _one_process(),
        "parameters": [{"key": "store", "value": {"string_value": "memory"}}],
        "model_warmup": [
            {
                "name": WARM,
                "batch_size": 1,
                "inputs": {"key": INPUT, "value": {**element, "input_data_file": WARM}},
            }
        ],
    }


def encoded_config(serving: Serving, described: Mapping[str, Any]) -> dict[str, Field]:
    """Return the configuration of the graph.

    Args:
        serving: see :func:`raw_config`.
        described: its inputs and outputs; see :func:`clickthrough.export.onnx.write.described`.
    """
    inputs = [_tensor(name, own) for name, own in described["inputs"].items()]
    return {
        "name": ENCODED,
        "backend": "onnxruntime",
        "max_batch_size": serving.max_impressions,
        "input": inputs,
        "output": [_tensor(name, own) for name, own in described["outputs"].items()],
        "dynamic_batching": _batching(serving),
        "instance_group": _one_process(),
        "parameters": [
            {"key": name, "value": {"string_value": "1"}}
            for name in ("intra_op_thread_count", "inter_op_thread_count")
        ],
        "model_warmup": [
            {
                "name": f"{rows}_rows",
                "batch_size": rows,
                "inputs": [_zeros(entry) for entry in inputs],
            }
            for rows in sorted({1, min(100, serving.max_impressions)})
        ],
    }


def _tensor(name: str, own: Mapping[str, Any]) -> dict[str, Field]:
    return {"name": name, "data_type": Enum(_TYPES[own["dtype"]]), "dims": own["shape"][1:]}


def _zeros(entry: Mapping[str, Field]) -> dict[str, Field]:
    """Return that an input is 0: ids that are missing, numbers that are usual."""
    value: dict[str, Field] = {name: entry[name] for name in ("data_type", "dims")}
    return {"key": entry["name"], "value": value | {"zero_data": True}}


def _batching(serving: Serving) -> dict[str, Field]:
    """Return that requests which wait are scored together, and none waits for others to come."""
    return {
        "max_queue_delay_microseconds": 0,
        "default_queue_policy": {
            "timeout_action": Enum("REJECT"),
            "default_timeout_microseconds": _DEADLINE,
            "allow_timeout_override": True,
            "max_queue_size": serving.max_in_flight,
        },
    }


def _one_process() -> dict[str, Field]:
    return {"count": 1, "kind": Enum("KIND_CPU")}
