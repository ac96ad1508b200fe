"""Limits of the service, each with the answer that exceeding it gets."""

from typing import Literal

from pydantic import Field

from clickthrough.config.base import Duration, Strict

Runtime = Literal["onnx", "openvino"]
"""What computes the model's graph: ONNX Runtime, or OpenVINO (``.[openvino]``)."""


class Serving(Strict):
    """What one process of the service accepts.

    Attributes:
        max_body_bytes: a larger body is answered with 413.
        max_impressions: more impressions, candidates or events in a body are answered with 422.
        max_id_bytes: a longer id of a request, user or item, in UTF-8, is answered with 422.
        max_text_bytes: so is any other text that is longer, an entry of a list too.
        max_in_flight: more requests at the same time are answered with 503 and Retry-After.
        max_wait_ms: a request to score that would wait longer than this for those before it is
            answered so too; up to six are always let in, and a burst may wait twice as long.
        attribution_window: how long an impression waits for its click.
        forget_after: a key of counters or sequences without events for so long falls back to what
            the bundle knows of it.
        most_keys: with more values in the store (keys, and impressions that wait for a click),
            those longest without events are forgotten too.
        runtime: what computes the model's graph; ``CTR_RUNTIME`` goes before it.
    """

    max_body_bytes: int = Field(default=4_000_000, ge=1)
    max_impressions: int = Field(default=2_000, ge=1)
    max_id_bytes: int = Field(default=256, ge=1)
    max_text_bytes: int = Field(default=4_096, ge=1)
    max_in_flight: int = Field(default=64, ge=1)
    max_wait_ms: float = Field(default=2.0, ge=0)
    attribution_window: Duration = 86_400
    forget_after: Duration = 90 * 86_400
    most_keys: int = Field(default=10_000_000, ge=1)
    runtime: Runtime = "onnx"
