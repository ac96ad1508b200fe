"""The columns that a declaration makes, and the sets of keys whose history they read.

Each knows its ``origin``: the declared feature that it comes from (``config/origins.py``).

A *key set* is the key of some counters, a *sequence set* that of the last clicks. A *measure* is
one quantity of an impression after its transform. A *numeric column* is a measure, or its rank in
or difference from the request. An *id column* holds one id, a *bag column* several.
"""

from dataclasses import dataclass
from typing import Literal

from clickthrough.config.base import format_duration
from clickthrough.config.features import EventSource, Missing, Relative, Transform

KIN = "user"
"""The field whose values are alike or not in a measure of kinship."""

MeasureKind = Literal[
    "field",
    "impressions",
    "clicks",
    "rate",
    "age",
    "match",
    "kinship",
    "cosine",
    "elapsed",
    "request_size",
    "position",
]


@dataclass(frozen=True)
class KeySet:
    """A key of counters: its fields; windows and half-lives (seconds) of its counters.

    Of page views each counts as shown and clicked.
    """

    fields: tuple[str, ...]
    windows: tuple[int, ...] = ()
    half_lives: tuple[int, ...] = ()
    of: EventSource = "impressions"

    @property
    def name(self) -> str:
        """The fields, joined: the name of the key set in columns, stores and bundles."""
        return ("views:" if self.of == "views" else "") + "+".join(self.fields)

    @property
    def age(self) -> str:
        """The history column of the age."""
        return f"{self.name}:age"

    def counts(self, window: int | None = None, half_life: int | None = None) -> tuple[str, str]:
        """Name the history columns of a counter: impressions, clicks.

        All-time ones are called ``item:clicks``, of a window ``item:clicks[1d]``, of a half-life
        ``item:clicks@6h``. (A dot would name a part of a struct in Spark.)
        """
        suffix = f"[{format_duration(window)}]" if window else ""
        suffix += f"@{format_duration(half_life)}" if half_life else ""
        return f"{self.name}:impressions{suffix}", f"{self.name}:clicks{suffix}"

    def columns(self) -> list[str]:
        """Return all history columns: age, then the pairs of all-time, windows, half-lives."""
        pairs = [self.counts()]
        pairs += [self.counts(window=window) for window in self.windows]
        pairs += [self.counts(half_life=half_life) for half_life in self.half_lives]
        return [self.age, *(name for pair in pairs for name in pair)]


@dataclass(frozen=True)
class SequenceSet:
    """The last ``length`` clicked (or viewed) values of a field, by a key."""

    key: tuple[str, ...]
    field: str
    length: int
    of: EventSource = "impressions"

    @property
    def name(self) -> str:
        """The name of its history column: values, shape (n, length), the latest first."""
        what = "viewed" if self.of == "views" else "last"
        return f"{'+'.join(self.key)}:{what}:{self.field}"

    @property
    def size(self) -> str:
        """The history column that says how many values there are; missing without a key."""
        return f"{self.name}:size"

    @property
    def places(self) -> list[str]:
        """The batch columns of the values, one a place, the latest first."""
        return [f"{self.name}:{place}" for place in range(self.length)]


@dataclass(frozen=True)
class Measure:
    """One quantity: how it is made of input columns (fields or history columns).

    Attributes:
        inputs: of a rate: impressions and clicks of its own key, then of each wider key that it is
            smoothed towards.
        smoothing: of a rate: the weight of what each level is smoothed towards.
        at: of a position: the place of a candidate whose place is not to be known.
    """

    name: str
    kind: MeasureKind
    inputs: tuple[str, ...]
    transform: Transform = "none"
    length: int = 0
    smoothing: tuple[float, ...] = ()
    at: int = 1
    origin: str = ""


@dataclass(frozen=True)
class NumericColumn:
    """A measure, or its standing among the candidates of the request.

    Attributes:
        missing: what stands for a missing value: the median of the training rows, or -1.
    """

    name: str
    measure: str
    relative: Relative | None = None
    missing: Missing = "median"
    origin: str = ""


@dataclass(frozen=True)
class IdColumn:
    """A field with a vocabulary, a hashed field, or a part of the request's moment."""

    name: str
    source: Literal["field", "hashed", "hour", "weekday"]
    field: str
    min_count: int = 1
    max_size: int | None = None
    buckets: int = 0
    origin: str = ""

    @property
    def table(self) -> str:
        """What its ids are looked up in: columns of one field share a vocabulary."""
        return self.field if self.source == "field" else self.name


@dataclass(frozen=True)
class BagColumn:
    """A field of several ids, or a sequence: ``column`` is the field or the history column."""

    name: str
    column: str
    field: str
    length: int
    weights: str | None = None
    min_count: int = 1
    max_size: int | None = None
    origin: str = ""

    @property
    def table(self) -> str:
        """What its ids are looked up in: columns of one field share a vocabulary."""
        return self.field

    @property
    def is_sequence(self) -> bool:
        """Say whether it holds the last values of a key, and not those of a field."""
        return self.column != self.field
