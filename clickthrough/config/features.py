"""The declaration of features: each is declared here once and runs in batch and online.

A declaration can name several columns of the model's input. Fields are named as in the
impressions table: the roles ``user``, ``item``, ``request_id``, ``time``, and every other
input column under its own name.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from clickthrough.config.base import Duration, Strict


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_as_list), Field(min_length=1)]
Transform = Literal["none", "log1p", "logit"]
Relative = Literal["rank", "difference"]
CounterValue = Literal["impressions", "clicks", "rate"]


class Categorical(Strict):
    """Fields whose values are ids: 0 is missing, 1 unseen, then the vocabulary."""

    kind: Literal["categorical"]
    fields: Names
    min_count: int = Field(default=2, ge=1)
    max_size: int | None = Field(default=None, ge=1)


class Numeric(Strict):
    """Fields that are quantities."""

    kind: Literal["numeric"]
    fields: Names
    transform: Literal["none", "log1p"] = "none"
    relative: list[Relative] = []


class Time(Strict):
    """Parts of the request's moment, in ``data.timezone``."""

    kind: Literal["time"]
    parts: list[Literal["hour", "weekday"]] = Field(default=["hour", "weekday"], min_length=1)


class Counter(Strict):
    """Past impressions, clicks and smoothed click rate of a key of one or several fields."""

    kind: Literal["counter"]
    key: Names
    values: list[CounterValue] = Field(default=["impressions", "rate"], min_length=1)
    all_time: bool = True
    half_lives: list[Duration] = []
    relative: list[Relative] = []

    @model_validator(mode="after")
    def _counts_something(self) -> Self:
        if not self.all_time and not self.half_lives:
            raise ValueError("expected 'all_time: true' or at least one entry in 'half_lives'")
        if 0 in self.half_lives:
            raise ValueError("a half-life must be longer than 0s")
        return self


class Age(Strict):
    """Time since a key was first seen."""

    kind: Literal["age"]
    key: Names
    relative: list[Relative] = []


class RequestSize(Strict):
    """How many candidates the request has."""

    kind: Literal["request_size"]


Feature = Annotated[
    Categorical | Numeric | Time | Counter | Age | RequestSize, Field(discriminator="kind")
]


class Counters(Strict):
    """How all counters count.

    Attributes:
        tick: the unit of time of counters.
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
