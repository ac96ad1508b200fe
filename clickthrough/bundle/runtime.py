"""The model's graph in a runtime: ONNX Runtime, or OpenVINO where it is installed."""

import os
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.serving import Runtime
from clickthrough.errors import BundleError, install_hint
from clickthrough.features.encoding.encoder import Encoded

# It would send what it does to its maker, over a thread of its own; read when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime


class Graph(Protocol):
    """What scores encoded impressions: a graph in a runtime, or a model that was fitted here."""

    def logits(self, inputs: Encoded) -> NDArray[np.float32]:
        """Return logits of encoded impressions, shape (n,)."""


class OnnxModel:
    """Scores encoded impressions on one thread; any number of threads may call it.

    A row's logit does not depend on the rows beside it, to the last bit.

    Args:
        path: the ``.onnx`` file.
    """

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # idle threads would otherwise spin at 100 %
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        options.log_severity_level = 4  # every error is raised; none needs to be printed too
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], enable_fallback=False
        )
        self._inputs = {entry.name for entry in self._session.get_inputs()}

    def logits(self, inputs: Encoded) -> NDArray[np.float32]:
        """Return logits of encoded impressions, shape (n,)."""
        # the exporter leaves out inputs that a model does not use
        fed = {name: array for name, array in inputs.arrays().items() if name in self._inputs}
        result: NDArray[np.float32] = self._session.run(["logit"], fed)[0]
        return result


def load_model(path: Path, runtime: Runtime) -> OnnxModel:
    """Load a graph into a runtime.

    Raises:
        BundleError: the runtime is not installed.
    """
    if runtime == "onnx":
        return OnnxModel(path)
    try:
        from clickthrough.bundle.openvino_runtime import OpenVinoModel
    except ModuleNotFoundError:
        raise BundleError(
            f"{path}: the runtime 'openvino' needs {install_hint('openvino')}"
        ) from None
    return OpenVinoModel(path)
