"""The same graph behind LitServe: what service.py compares the service with.

    python -m venv lit; lit/bin/pip install litserve onnxruntime

Requests carry what this service works out by itself: encoded ids and scaled numbers. Rows are
scored on one thread, those of requests that come within a millisecond together.
"""

import argparse
from typing import Any

import litserve
import numpy as np
import onnxruntime

Inputs = dict[str, np.ndarray[Any, Any]]


class Graph(litserve.LitAPI):  # type: ignore[misc]
    """Answers with logits."""

    def __init__(self, model: str) -> None:
        super().__init__(max_batch_size=64, batch_timeout=0.001)
        self._model = model

    def setup(self, device: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(self._model, options)
        self._rows: list[int] = []

    def decode_request(self, request: dict[str, Any]) -> Inputs:
        return {
            "ids": np.array(request["ids"], np.int32),
            "numeric": np.array(request["numeric"], np.float32),
        }

    def batch(self, inputs: list[Inputs]) -> Inputs:
        self._rows = [len(one["ids"]) for one in inputs]
        return {name: np.concatenate([one[name] for one in inputs]) for name in inputs[0]}

    def predict(self, inputs: Inputs) -> np.ndarray[Any, Any]:
        none = np.empty((len(inputs["ids"]), 0), np.float32)
        bags = {"bag_ids": none.astype(np.int32), "bag_weights": none}
        return self._session.run(["logit"], inputs | bags)[0]  # type: ignore[no-any-return]

    def unbatch(self, output: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        return np.split(output, np.cumsum(self._rows)[:-1])

    def encode_response(self, output: np.ndarray[Any, Any]) -> dict[str, list[float]]:
        return {"logit": output.tolist()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", help="the bundle's ctr_model.onnx")
    parser.add_argument("port", type=int)
    chosen = parser.parse_args()
    server = litserve.LitServer(Graph(chosen.model), accelerator="cpu")
    server.run(
        host="127.0.0.1", port=chosen.port, num_api_servers=1, generate_client_file=False,
        log_level="error", access_log=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
