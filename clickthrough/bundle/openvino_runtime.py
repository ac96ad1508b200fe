"""The model's graph in OpenVINO (``pip install '.[openvino]'``)."""

import threading
from dataclasses import fields
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from clickthrough.bundle.runtime import OnnxModel
from clickthrough.features.encoding.encoder import Encoded

_EXACT = {
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "INFERENCE_PRECISION_HINT": "f32",  # processors that can would otherwise round to bfloat16
}
_NAMES = {field.name for field in fields(Encoded)}
_TWICE = np.array([0, 0])


class OpenVinoModel(OnnxModel):
    """Scores encoded impressions on one thread; any number of threads may call it.

    Args:
        path: the ``.onnx`` file.
    """

    def __init__(self, path: Path) -> None:
        self._compiled = openvino.Core().compile_model(str(path), "CPU", _EXACT)
        # an input that is folded into what reads it goes by that one's name too
        self._names = [next(iter(entry.names & _NAMES)) for entry in self._compiled.inputs]
        self._threads = threading.local()

    def logits(self, inputs: Encoded) -> NDArray[np.float32]:
        """Return logits of encoded impressions, shape (n,)."""
        # one row alone goes through another kernel, which adds in another order
        rows = len(inputs)
        arrays = (inputs if rows != 1 else inputs[_TWICE]).arrays()
        request = self._request()
        for place, name in enumerate(self._names):
            tensor = openvino.Tensor(arrays[name], shared_memory=True)
            request.set_input_tensor(place, tensor)
        request.infer()
        result: NDArray[np.float32] = request.get_output_tensor().data[:rows].copy()
        return result

    def _request(self) -> openvino.InferRequest:
        """Return this thread's own request: two threads cannot share one."""
        request = getattr(self._threads, "request", None)
        if request is None:
            request = self._threads.request = self._compiled.create_infer_request()
        return request
