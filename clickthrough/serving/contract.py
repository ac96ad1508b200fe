"""What goes over the wire: the bodies of requests and answers, as OpenAPI documents them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Raw = dict[str, Any]
"""Raw fields of an impression, by the log's column names or by ours."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PredictBody(_Body):
    """Impressions to score; those that share a ``request_id`` are one request."""

    impressions: list[Raw]


class RankBody(_Body):
    """One request: what is known of the moment and the user, and the candidates."""

    context: Raw = {}
    candidates: list[Raw]
    top: Annotated[int, Field(ge=1)] | None = None


class EventsBody(_Body):
    """Impressions shown and pages viewed (with raw fields), and clicks (request and item)."""

    events: list[Raw]


class PredictionOut(BaseModel):
    """The answer for one impression."""

    request_id: str | None = None
    item: int | str | None = None
    probability: float = Field(gt=0, lt=1)
    logit: float
    missing: list[str] = Field(description="fields that were absent or null")
    unseen: list[str] = Field(description="fields whose value the model has not met")


class RankedOut(PredictionOut):
    """The answer for one candidate."""

    candidate: int = Field(description="its position in the body's candidates")


class PredictOut(BaseModel):
    """Predictions in the order of the body."""

    predictions: list[PredictionOut]
    ignored: list[str] = Field(description="fields that mean nothing to the model")
    version: str


class RankOut(BaseModel):
    """Candidates, best first."""

    request_id: str = Field(description="name it in events")
    ranking: list[RankedOut]
    ignored: list[str]
    version: str


class EventsOut(BaseModel):
    """What became of the events."""

    impressions: int
    clicks: int
    views: int
    duplicates: int
    waiting: int = Field(description="clicks that came before their impression")
    late: int = Field(description="clicks after their impression's attribution window: not counted")
    early: int = Field(description="clicks before their impression, by their times: not counted")
    in_snapshot: int = Field(description="events that the bundle's counters hold already")


class HealthOut(BaseModel):
    """Whether the service is well, and which bundle it serves."""

    status: Literal["ok"]
    version: str
    clickthrough: str
    bundle_created: str


class ReloadOut(BaseModel):
    """Which bundle served before, and which serves now."""

    previous: str
    version: str


class Fault(BaseModel):
    """An answer that says what was wrong."""

    detail: Any
