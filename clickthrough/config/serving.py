"""Limits of the service, each with the answer that exceeding it gets."""

from typing import Literal

from pydantic import Field

from clickthrough.config.base import Duration, Several, Strict

Runtime = Literal["onnx", "openvino"]
"""What computes the model's graph: ONNX Runtime, or OpenVINO (``.[openvino]``)."""


class Serving(Strict):
    """What one process of the service accepts.

    A bundle brings these from its configuration; a file, the environment and flags go before it
    (``serving/settings.py``). ``serve --help`` shows what stands here of each.

    Attributes:
        max_body_bytes: a larger body to score is answered 413.
        max_events_bytes: a larger body of /events is answered 413.
        max_impressions: more rows in a body are answered 422.
        max_explained: so many answers of /rank are explained; more of /predict are answered 422.
        max_id_bytes: longer ids of requests, users and items are answered 422.
        max_text_bytes: longer texts in other fields are answered 422.
        max_in_flight: more requests to score at a time are answered 503.
        max_wait_ms: milliseconds: a request to score that would wait longer is answered 503; the
            first few always wait, and a burst may wait twice as long.
        max_events_in_flight: more bodies of /events at a time are answered 503.
        max_events_wait: seconds: events not begun with by then are answered 503.
        max_connections: beyond so many, the longest idle are closed.
        head_seconds: seconds until the head of a request is whole, else hung up.
        body_seconds: seconds until the body of a request is whole, else 408.
        write_seconds: seconds until an answer is taken, else hung up.
        idle_seconds: seconds between two requests of a connection, else hung up.
        attribution_window: how long after its impression a click counts.
        forget_after: a key without events for so long falls back to what the bundle knows of it.
        most_keys: values in the store; beyond it those longest without events are forgotten.
        strict_time: a time long before the log or after now is answered 422; by default it is taken
            as now, and named among 'unseen'.
        runtime: what computes the graph.
        lookup: side tables that a bundle holds, each with the fields by which it is read where a
            caller does not send what it says: ``{ads.csv: ad_id}``; set it for training, not for a
            service.
    """

    max_body_bytes: int = Field(default=1_000_000, ge=1)
    max_events_bytes: int = Field(default=2_000_000, ge=1)
    max_impressions: int = Field(default=2_000, ge=1)
    max_explained: int = Field(default=10, ge=1)
    max_id_bytes: int = Field(default=256, ge=1)
    max_text_bytes: int = Field(default=4_096, ge=1)
    max_in_flight: int = Field(default=64, ge=1)
    max_wait_ms: float = Field(default=2.0, ge=0)
    max_events_in_flight: int = Field(default=64, ge=1)
    max_events_wait: float = Field(default=5.0, gt=0)
    max_connections: int = Field(default=1_000, ge=1)
    head_seconds: float = Field(default=10.0, gt=0)
    body_seconds: float = Field(default=10.0, gt=0)
    write_seconds: float = Field(default=10.0, gt=0)
    idle_seconds: float = Field(default=30.0, gt=0)
    attribution_window: Duration = 86_400
    forget_after: Duration = 90 * 86_400
    most_keys: int = Field(default=10_000_000, ge=1)
    strict_time: bool = False
    runtime: Runtime = "onnx"
    lookup: dict[str, Several[str]] = {}


LIMITS = tuple(name for name in Serving.model_fields if name != "lookup")
"""The settings that a process of the service may have of its own: the others made the bundle."""
