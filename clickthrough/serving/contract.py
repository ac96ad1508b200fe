"""What goes over the wire: bodies of requests and answers, as they are read and documented.

A row is typed: a field is null, a bool, a number, a text or a flat list of these, so that reading
stops at the first bracket that nests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from clickthrough.explain.answer import Explanation
from clickthrough.features.values import Value
from clickthrough.store.base import Durability
from clickthrough.streaming.receipt import Receipt

Scalar = None | bool | int | float | str
Row = dict[str, Scalar | list[Scalar]]
"""Raw fields of an impression, by the log's column names or by ours."""


Impression = Annotated[Row, Meta(title="Impression")]
Candidate = Annotated[Row, Meta(title="Candidate")]
Context = Annotated[Row, Meta(title="Context")]
Event = Annotated[Row, Meta(title="Event")]
"""Rows, which the documentation shows with the bundle's own fields."""

Explain = Annotated[
    int, Meta(ge=1, description="how many reasons answers get; none, and no time spent, by default")
]


class PredictBody(msgspec.Struct, forbid_unknown_fields=True):
    """Impressions to score; those that share a ``request_id`` are one request."""

    impressions: list[Impression]
    explain: Explain | None = None


class RankBody(msgspec.Struct, forbid_unknown_fields=True):
    """One request: what is known of the moment and the user, and the candidates."""

    candidates: list[Candidate]
    context: Context = {}
    top: Annotated[int, Meta(ge=1, description="how many are returned; all by default")] | None = (
        None
    )
    explain: Explain | None = None


class EventsBody(msgspec.Struct, forbid_unknown_fields=True):
    """Impressions shown and pages viewed (with raw fields), and clicks (request and item)."""

    events: list[Event]


class Invocation(msgspec.Struct, forbid_unknown_fields=True):
    """What SageMaker sends: a body of ``/predict``, or one of ``/rank``."""

    impressions: list[Impression] | UnsetType = UNSET
    candidates: list[Candidate] | UnsetType = UNSET
    context: Context | UnsetType = UNSET
    top: Annotated[int, Meta(ge=1)] | UnsetType | None = UNSET
    explain: Explain | None = None


class InferTensor(msgspec.Struct, forbid_unknown_fields=True):
    """The tensor ``impressions``: of each its raw fields, as a text of JSON."""

    name: str
    datatype: Annotated[str, Meta(description="BYTES")]
    shape: Annotated[list[int], Meta(description="[n] or [n, 1]")]
    data: Annotated[
        list[str | list[str]] | UnsetType,
        Meta(description="the `Impression` of each, as a text of JSON"),
    ] = UNSET
    parameters: dict[str, Raw] = {}


class InferOutput(msgspec.Struct, forbid_unknown_fields=True):
    """An output that is asked for: ``probability``, ``logit`` or ``prediction``."""

    name: str
    parameters: dict[str, Raw] = {}


class InferBody(msgspec.Struct, forbid_unknown_fields=True):
    """A request of the Open Inference Protocol; ``parameters`` mean nothing here."""

    inputs: list[InferTensor]
    id: Annotated[str, Meta(max_length=256, description="comes back")] | None = None
    outputs: list[InferOutput] | None = None
    parameters: dict[str, Raw] = {}


class Explained(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What an answer says of its reasons, where that was asked for."""

    explanation: Explanation | UnsetType = UNSET


class Prediction(Explained, frozen=True, gc=False):
    """The answer for one impression.

    Attributes:
        probability: calibrated click probability, strictly between 0 and 1.
        logit: of that probability, before rounding: what ranking uses.
        missing: fields that were absent or null.
        unseen: fields whose value the model or its counters have not met.
        explanation: why, where that was asked for.
    """

    request_id: str | None
    item: Value
    probability: Annotated[float, Meta(gt=0, lt=1)]
    logit: float
    missing: Annotated[list[str], Meta(description="fields that were absent or null")]
    unseen: Annotated[list[str], Meta(description="fields whose value the model has not met")]


class Ranked(Prediction, frozen=True, gc=False):
    """The answer for one candidate."""

    candidate: Annotated[int, Meta(description="its position in the body's candidates")]


CountersMode = Annotated[
    Literal["live", "frozen"],
    Meta(description="frozen: the store did not answer in time, and the bundle's own were used"),
]


class Predictions(msgspec.Struct):
    """Predictions in the order of the body."""

    predictions: list[Prediction]
    ignored: Annotated[list[str], Meta(description="fields that mean nothing to the model")]
    version: str
    counters: CountersMode = "live"


class Rankings(msgspec.Struct):
    """Candidates, best first."""

    request_id: Annotated[str, Meta(description="name it in events")]
    ranking: list[Ranked]
    ignored: list[str]
    version: str
    counters: CountersMode = "live"


class InferredTensor(msgspec.Struct):
    """An output: of each impression a number, or its :class:`Prediction` as a text of JSON."""

    name: str
    datatype: str
    shape: Sequence[int]
    data: Sequence[float | str]


class Inferred(msgspec.Struct, omit_defaults=True):
    """The answer of the Open Inference Protocol; ``parameters`` tell of counters and of fields."""

    model_name: str
    model_version: str
    outputs: list[InferredTensor]
    id: str | None = None
    parameters: dict[str, str] = {}


@dataclass
class Recorded(Receipt):
    """What became of events, and what of it may be lost."""

    durability: Annotated[
        Durability,
        Meta(
            description="disk: nothing; second: the last second, with the server; memory: all, "
            "with the process or server that holds it; unknown: the server does not say"
        ),
    ] = "unknown"


class Fault(msgspec.Struct):
    """An answer that says what was wrong."""

    detail: str | list[dict[str, str | list[str | int]]]


class Refusal(msgspec.Struct):
    """The same as the Open Inference Protocol has it."""

    error: str
