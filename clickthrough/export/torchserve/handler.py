"""Scores raw fields in TorchServe, with the scorer that the service has.

The bundle lies beside this file in the archive; TorchServe's Python must be able to import
``clickthrough``. Counters are those of the bundle, or those that events update where ``CTR_STORE``
names the store of a running service, such as ``redis://HOST``.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from clickthrough.errors import RequestError
from clickthrough.export.callers import Asked, Refused, read_within, score_each
from clickthrough.serving.bodies import NO_TEXT, BodyReader
from clickthrough.serving.contract import CountersMode, PredictBody, Predictions
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.scored import Scored


class ClickHandler:
    """One worker of TorchServe, which wants one class in this file, and calls methods in turn."""

    def initialize(self, context: Any) -> None:  # noqa: ANN401 - TorchServe's
        """Load the bundle and score once, so that no caller waits for it."""
        folder = Path(context.system_properties["model_dir"]) / "bundle"
        store = os.environ.get("CTR_STORE") or "memory"
        self._predictor = Predictor.load(folder, store, "onnx")  # other runtimes are not installed
        self._predictor.warm_up()
        self._reader = BodyReader(PredictBody, lambda body: body.impressions, "impressions")

    def handle(self, data: Sequence[Mapping[str, Any]], context: Any) -> list[Any]:  # noqa: ANN401
        """Answer the bodies of a batch, each as ``/predict`` would.

        Args:
            data: of each caller ``body`` or ``data``: the JSON of ``{"impressions": [...]}``, as it
                came or as TorchServe decoded it.
            context: told the status of those that are refused.
        """
        answers = score_each(self._predictor, [self._read(call) for call in data])
        return [self._answer(answer, place, context) for place, answer in enumerate(answers)]

    def _read(self, call: Mapping[str, Any]) -> Asked | Refused:
        """Return what a caller asks, or what is wrong with it."""
        sent = call.get("body") if call.get("body") is not None else call.get("data")
        most = self._predictor.settings.max_impressions
        try:
            text = _as_bytes(sent)
        except RequestError as error:
            return Refused(422, str(error))

        def read() -> Asked:
            body = self._reader.read(text, most, self._predictor.nesting)
            return Asked(body.impressions, body.explain)

        return read_within(self._predictor, len(text), read)

    def _answer(self, answer: Scored | Refused, place: int, context: Any) -> Any:  # noqa: ANN401
        if isinstance(answer, Refused):
            context.set_response_status(answer.status, "refused", place)
            return {"detail": answer.detail}
        mode: CountersMode = "frozen" if answer.frozen else "live"
        version = self._predictor.scorer.version
        made = Predictions(answer.predictions, answer.ignored, version, mode)
        return msgspec.to_builtins(made)


def _as_bytes(sent: object) -> bytes:
    """Return a body as it came: ``config.properties`` lets TorchServe decode none.

    Where it does all the same, JSON is an object and any text a ``str``.

    Raises:
        RequestError: it is nothing that JSON can say.
    """
    if isinstance(sent, bytes | bytearray):
        return bytes(sent)
    try:
        return sent.encode() if isinstance(sent, str) else msgspec.json.encode(sent)
    except (TypeError, ValueError, RecursionError) as error:  # half a surrogate pair, too deep
        raise RequestError(f"{NO_TEXT}, or no JSON: {error}") from None
