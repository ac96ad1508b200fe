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
from clickthrough.serving.bodies import BodyReader, WrongBody
from clickthrough.serving.contract import CountersMode, PredictBody, Predictions, Row
from clickthrough.serving.predictor import Predictor
from clickthrough.serving.scored import Scored

Refused = tuple[int, Any]
"""The status and the reason of a body that cannot be scored."""


class ClickHandler:
    """One worker of TorchServe, which wants one class in this file, and calls methods in turn."""

    def initialize(self, context: Any) -> None:  # noqa: ANN401 - TorchServe's
        """Load the bundle and score once, so that no caller waits for it."""
        folder = Path(context.system_properties["model_dir"]) / "bundle"
        self._predictor = Predictor.load(folder, os.environ.get("CTR_STORE") or "memory")
        self._predictor.warm_up()
        self._reader = BodyReader(PredictBody, lambda body: body.impressions, "impressions")

    def handle(self, data: Sequence[Mapping[str, Any]], context: Any) -> list[Any]:  # noqa: ANN401
        """Answer the bodies of a batch, each as ``/predict`` would.

        Args:
            data: of each caller ``body`` or ``data``: the JSON of ``{"impressions": [...]}``.
            context: told the status of those that are refused.
        """
        bodies = [self._read(call) for call in data]
        whole = [body for body in bodies if isinstance(body, list)]
        scored = iter(self._predictor.predict_each(whole))
        return [
            self._answer(next(scored) if isinstance(body, list) else body, place, context)
            for place, body in enumerate(bodies)
        ]

    def _read(self, call: Mapping[str, Any]) -> list[Row] | Refused:
        """Return the impressions of a caller, or what is wrong with them."""
        sent = call.get("body") if call.get("body") is not None else call.get("data")
        settings = self._predictor.settings
        try:
            text = _as_bytes(sent)
            if len(text) > (most := settings.max_body_bytes):
                return 413, f"the body is larger than {most} bytes"
            return self._reader.read(text, settings.max_impressions).impressions
        except WrongBody as error:
            return error.status, error.detail
        except RequestError as error:
            return 422, str(error)

    def _answer(self, answer: Scored | RequestError | Refused, place: int, context: Any) -> Any:  # noqa: ANN401
        if isinstance(answer, RequestError):
            answer = (422, str(answer))
        if isinstance(answer, tuple):
            status, detail = answer
            context.set_response_status(status, "refused", place)
            return {"detail": detail}
        mode: CountersMode = "frozen" if answer.frozen else "live"
        version = self._predictor.scorer.version
        made = Predictions(answer.predictions, answer.ignored, version, mode)
        return msgspec.to_builtins(made)


def _as_bytes(sent: object) -> bytes:
    """Return a body as it came: TorchServe decodes those that are called JSON, and only those.

    Raises:
        RequestError: it is nothing that JSON can say.
    """
    if isinstance(sent, bytes | bytearray):
        return bytes(sent)
    try:
        return msgspec.json.encode(sent)
    except (TypeError, ValueError, RecursionError) as error:  # half a surrogate pair, too deep
        raise RequestError(f"the body is no JSON in UTF-8: {error}") from None
