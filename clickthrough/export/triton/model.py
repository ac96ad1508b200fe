"""Scores raw fields in Triton's Python backend, with the scorer that the service has.

The bundle lies beside this file; ``clickthrough`` must be importable for Triton's Python. Counters
are those of the bundle, or those that events update where ``CTR_STORE`` (or the parameter ``store``
of ``config.pbtxt``) names the store of a running service, such as ``redis://HOST``.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as triton

from clickthrough.export.callers import Asked, Refused, read_within, score_each
from clickthrough.serving.bodies import read_row
from clickthrough.serving.open_inference import INPUT, OUTPUTS
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.scored import Scored

_DTYPES = {"FP64": np.float64, "BYTES": np.object_}


class TritonPythonModel:
    """One process of the backend; Triton calls its methods one after another."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the bundle and score once, so that no caller waits for it."""
        folder = Path(args["model_repository"]) / args["model_version"] / "bundle"
        said = json.loads(args["model_config"])["parameters"]["store"]["string_value"]
        store = os.environ.get("CTR_STORE") or said
        self._predictor = Predictor.load(folder, store, "onnx")  # other runtimes are not installed
        self._predictor.warm_up()

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Score the impressions of several callers at once, each as if alone.

        Rows of a call that share a ``request_id`` are one request. What is wrong with one caller's
        impressions is that caller's answer alone.
        """
        answers = score_each(self._predictor, [self._read(request) for request in requests])
        return [_response(answer) for answer in answers]

    def finalize(self) -> None:
        """Close the store."""
        self._predictor.close()

    def _read(self, request: Any) -> Asked | Refused:  # noqa: ANN401 - Triton's
        """Return the impressions of a call, or what is wrong with them."""
        nesting = self._predictor.nesting
        texts = triton.get_input_tensor_by_name(request, INPUT).as_numpy().ravel().tolist()
        return read_within(
            self._predictor,
            sum(map(len, texts)),
            lambda: Asked([read_row(text, i, nesting) for i, text in enumerate(texts)]),
        )


def _response(answer: Scored | Refused) -> Any:  # noqa: ANN401 - Triton's
    if isinstance(answer, Refused):
        error = triton.TritonError(str(answer.detail), triton.TritonError.INVALID_ARG)
        return triton.InferenceResponse([], error)
    tensors = [
        triton.Tensor(name, np.array(data(answer.predictions), _DTYPES[datatype]).reshape(-1, 1))
        for name, (datatype, data) in OUTPUTS.items()
    ]
    return triton.InferenceResponse(tensors)
