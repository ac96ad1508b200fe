"""The declaration of features: each is declared here once and runs in batch and online.

A declaration can name several columns of the model's input. Fields are named as in the
impressions table: the roles ``user``, ``item``, ``request_id``, ``time``, and every other
input column under its own name.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from clickthrough.config.base import Duration, Several, Strict

Names = Annotated[Several[str], Field(min_length=1)]
Transform = Literal["none", "log1p", "logit"]
Relative = Literal["rank", "difference"]
Missing = Literal["median", "sentinel"]
CounterValue = Literal["impressions", "clicks", "rate"]
EventSource = Literal["impressions", "views"]
"""What a history is made of: impressions with their clicks, or the pages that users viewed."""


class Categorical(Strict):
    """Fields whose values are ids: 0 is missing, 1 unseen, then the vocabulary.

    Attributes:
        fields: the fields, each with a vocabulary of its own.
        min_count: how often a value must stand in the training part to get an id of its own.
        max_size: the most ids; of more, the most frequent values keep theirs. By default no bound.
    """

    kind: Literal["categorical"]
    fields: Names
    min_count: int = Field(default=2, ge=1)
    max_size: int | None = Field(default=None, ge=1)


class Hashed(Strict):
    """Fields whose values share a fixed number of ids, by hash: no vocabulary to fit or to grow.

    Attributes:
        fields: the fields.
        buckets: how many ids the values of each field share.
    """

    kind: Literal["hashed"]
    fields: Names
    buckets: int = Field(default=10_000, ge=2)


class Bag(Strict):
    """A field that holds several ids, with a weight each or all alike.

    Attributes:
        field: the field that holds lists of ids.
        weights: the field that holds a number for each of them; by default all weigh alike.
        length: how many entries of a list are read, from its beginning.
        min_count: how often a value must stand in the training part to get an id of its own.
        max_size: the most ids; of more, the most frequent values keep theirs. By default no bound.
    """

    kind: Literal["bag"]
    field: str
    weights: str | None = None
    length: int = Field(default=10, ge=1)
    min_count: int = Field(default=2, ge=1)
    max_size: int | None = Field(default=None, ge=1)


class Cosine(Strict):
    """How alike two bags of ids are: the cosine of their weights, 0 without a common id.

    Attributes:
        fields: the two fields that hold lists of ids.
        weights: the two fields that hold their weights; by default all weigh alike.
        length: how many entries of a list are read, from its beginning.
        relative: standings among the request's candidates that are added: the ``rank`` as a share,
            the ``difference`` from their mean.
    """

    kind: Literal["cosine"]
    fields: Annotated[list[str], Field(min_length=2, max_length=2)]
    weights: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    length: int = Field(default=10, ge=1)
    relative: list[Relative] = []


class Sequence(Strict):
    """The values of a field in the last clicks (or page views) of a key, as ids.

    Attributes:
        of: what it is made of: impressions and their clicks, or page views.
        key: one field or several, whose values together are the key.
        field: the field whose values are the sequence.
        length: how many of the last are read.
        min_count: how often a value must stand in the training part to get an id of its own.
        max_size: the most ids; of more, the most frequent values keep theirs. By default no bound.
    """

    kind: Literal["sequence"]
    of: EventSource = "impressions"
    key: Names = ["user"]
    field: str = "item"
    length: int = Field(default=10, ge=1)
    min_count: int = Field(default=2, ge=1)
    max_size: int | None = Field(default=None, ge=1)


class Match(Strict):
    """How often the candidate's own value stands among the last clicks (or page views) of a key.

    Attributes:
        of: what it is made of: impressions and their clicks, or page views.
        key: one field or several, whose values together are the key.
        fields: fields of the candidate.
        against: the fields of the events that they are compared with; the same by default.
        length: how many of the last are compared.
        relative: standings among the request's candidates that are added: the ``rank`` as a share,
            the ``difference`` from their mean.
    """

    kind: Literal["match"]
    of: EventSource = "impressions"
    key: Names = ["user"]
    fields: Names
    against: Names | None = None
    length: int = Field(default=50, ge=1)
    relative: list[Relative] = []

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if self.against is not None and len(self.against) != len(self.fields):
            raise ValueError(
                f"'against' names {len(self.against)} fields, 'fields' {len(self.fields)}: "
                "expected one for each"
            )
        return self

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Each field of the candidate with that of the events."""
        return list(zip(self.fields, self.against or self.fields, strict=True))


class Kinship(Strict):
    """How alike the user is to those who clicked the candidate last, by what each clicked before.

    Before the log, that is: only a log with a history of its users has it. Two users are alike
    where they clicked the same items, or items that the same others clicked.

    Attributes:
        key: one field or several of the candidate, whose values together are the key.
        length: how many of those who clicked last are compared.
        relative: standings among the request's candidates that are added: the ``rank`` as a share,
            the ``difference`` from their mean.
    """

    kind: Literal["kinship"]
    key: Names = ["item"]
    length: int = Field(default=20, ge=1)
    relative: list[Relative] = []


class Numeric(Strict):
    """Fields that are quantities.

    Attributes:
        fields: the fields.
        transform: what is done to a value first; ``log1p`` is the logarithm of one more than its
            size, with its sign.
        missing: what stands for a missing value after the transform: the median, or -1
            (``sentinel``); an input beside it says where a value is missing. Standings in the
            request have the median either way.
        relative: standings among the request's candidates that are added: the ``rank`` as a share,
            the ``difference`` from their mean.
    """

    kind: Literal["numeric"]
    fields: Names
    transform: Literal["none", "log1p"] = "none"
    missing: Missing = "median"
    relative: list[Relative] = []


class Elapsed(Strict):
    """Time from a moment that a field names (seconds since 1970) to the request.

    Attributes:
        fields: the fields that name moments.
        relative: standings among the request's candidates that are added: the ``rank`` as a share,
            the ``difference`` from their mean.
    """

    kind: Literal["elapsed"]
    fields: Names
    relative: list[Relative] = []


class Time(Strict):
    """Parts of the request's moment, in ``data.timezone``.

    Attributes:
        parts: which parts, each as an id.
    """

    kind: Literal["time"]
    parts: list[Literal["hour", "weekday"]] = Field(default=["hour", "weekday"], min_length=1)


class Counter(Strict):
    """Past impressions, clicks and smoothed click rate of a key; or how many pages it viewed.

    Attributes:
        of: what it is made of: impressions and their clicks, or page views.
        key: one field or several, whose values together are the key.
        values: what is counted of impressions; page views have one value, their number.
        all_time: whether all of the past is counted.
        windows: lengths of sliding counters, multiples of the tick.
        half_lives: those of decayed counters: what is so old counts half.
        toward: the key of another counter: a rate is smoothed towards that one's, not the mean.
        smoothing: weight of what a rate is smoothed towards, in impressions, instead of
            ``counters.smoothing``.
        relative: standings among the request's candidates that are added: the ``rank`` as a share,
            the ``difference`` from their mean.
    """

    kind: Literal["counter"]
    of: EventSource = "impressions"
    key: Names
    values: list[CounterValue] = Field(default=["impressions", "rate"], min_length=1)
    all_time: bool = True
    windows: list[Duration] = []
    half_lives: list[Duration] = []
    toward: Names | None = None
    smoothing: float | None = Field(default=None, gt=0)
    relative: list[Relative] = []

    @model_validator(mode="after")
    def _counts_something(self) -> Self:
        if not (self.all_time or self.windows or self.half_lives):
            raise ValueError("expected 'all_time: true', or an entry in 'windows' or 'half_lives'")
        if 0 in self.half_lives or 0 in self.windows:
            raise ValueError("a window or half-life must be longer than 0s")
        if self.of == "views" and self.values != type(self).model_fields["values"].default:
            raise ValueError("page views are only counted: leave 'values' out")
        if self.of == "views" and (self.toward or self.smoothing):
            raise ValueError("page views have no rate: leave 'toward' and 'smoothing' out")
        return self


class Age(Strict):
    """Time since a key was first seen.

    Attributes:
        key: one field or several, whose values together are the key.
        relative: standings among the request's candidates that are added: the ``rank`` as a share,
            the ``difference`` from their mean.
    """

    kind: Literal["age"]
    key: Names
    relative: list[Relative] = []


class RequestSize(Strict):
    """How many candidates the request has."""

    kind: Literal["request_size"]


class Position(Strict):
    """The place in the request, from 1, as logged: in training only.

    What is shown first is clicked more, whatever it is. A model that sees places while it learns
    need not put that down to the items; evaluation and serving see one place for all.

    Attributes:
        at: the place that evaluation and serving see.
    """

    kind: Literal["position"]
    at: int = Field(default=1, ge=1)


Feature = Annotated[
    Categorical
    | Hashed
    | Bag
    | Cosine
    | Sequence
    | Match
    | Kinship
    | Numeric
    | Elapsed
    | Time
    | Counter
    | Age
    | RequestSize
    | Position,
    Field(discriminator="kind"),
]


def fields_named(feature: Feature) -> list[str]:
    """Return the fields that a feature names, in whatever part of its declaration."""
    given = feature.model_dump(include={"fields", "field", "key", "weights", "against"})
    listed = (value if isinstance(value, list) else [value] for value in given.values())
    return [name for names in listed for name in names if name is not None]


class Counters(Strict):
    """How all counters count.

    Attributes:
        tick: the unit of time of counters: they hold what earlier ticks brought.
        label_delay: how long after an impression its label is known; a multiple of the tick.
        smoothing: weight of the prior in a smoothed rate, in impressions.
    """

    tick: Duration = 600
    label_delay: Duration = 0
    smoothing: float = Field(default=20.0, gt=0)

    @model_validator(mode="after")
    def _whole_ticks(self) -> Self:
        if self.tick < 1:
            raise ValueError("tick: expected at least 1s")
        if self.label_delay % self.tick:
            raise ValueError("label_delay: expected a multiple of tick")
        return self

    @property
    def delay_ticks(self) -> int:
        """The label delay in ticks."""
        return self.label_delay // self.tick
