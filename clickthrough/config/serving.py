"""Limits of the service, each with the answer that exceeding it gets."""

from typing import Literal

from pydantic import Field

from clickthrough.config.base import Duration, Strict

Runtime = Literal["onnx", "openvino"]
"""What computes the model's graph: ONNX Runtime, or OpenVINO (``.[openvino]``)."""


class Serving(Strict):
    """What one process of the service accepts.

    A bundle brings these from its configuration; a file, the environment and flags go before it
    (:mod:`clickthrough.serving.settings`). ``serve --help`` shows the description of each.
    """

    max_body_bytes: int = Field(
        default=1_000_000, ge=1, description="a larger body to score is answered 413"
    )
    max_events_bytes: int = Field(
        default=2_000_000, ge=1, description="a larger body of /events is answered 413"
    )
    max_impressions: int = Field(
        default=2_000, ge=1, description="more rows in a body are answered 422"
    )
    max_explained: int = Field(
        default=10,
        ge=1,
        description="so many answers of /rank are explained; more of /predict are answered 422",
    )
    max_id_bytes: int = Field(
        default=256, ge=1, description="longer ids of requests, users and items are answered 422"
    )
    max_text_bytes: int = Field(
        default=4_096, ge=1, description="longer texts in other fields are answered 422"
    )
    max_in_flight: int = Field(
        default=64, ge=1, description="more requests to score at a time are answered 503"
    )
    max_wait_ms: float = Field(
        default=2.0,
        ge=0,
        description="a request to score that would wait longer is answered 503; the first few "
        "always wait, and a burst may wait twice as long",
    )
    max_events_in_flight: int = Field(
        default=64, ge=1, description="more bodies of /events at a time are answered 503"
    )
    max_events_wait: float = Field(
        default=5.0, gt=0, description="seconds: events not begun with by then are answered 503"
    )
    max_connections: int = Field(
        default=1_000, ge=1, description="beyond so many, the longest idle are closed"
    )
    head_seconds: float = Field(
        default=10.0, gt=0, description="until the head of a request is whole, else hung up"
    )
    body_seconds: float = Field(
        default=10.0, gt=0, description="until the body of a request is whole, else 408"
    )
    write_seconds: float = Field(
        default=10.0, gt=0, description="until an answer is taken, else hung up"
    )
    idle_seconds: float = Field(
        default=30.0, gt=0, description="between two requests of a connection, else hung up"
    )
    attribution_window: Duration = Field(
        default=86_400, description="how long after its impression a click counts"
    )
    forget_after: Duration = Field(
        default=90 * 86_400,
        description="a key without events for so long falls back to what the bundle knows of it",
    )
    most_keys: int = Field(
        default=10_000_000,
        ge=1,
        description="values in the store; beyond it those longest without events are forgotten",
    )
    strict_time: bool = Field(
        default=False,
        description="a time long before the log or after now is answered 422; by default it is "
        "taken as now, and named among 'unseen'",
    )
    runtime: Runtime = Field(default="onnx", description="what computes the graph")
