"""From the declaration to the columns of the model's input.

A *key set* is the key of some counters, a *sequence set* that of the last clicks. A *measure* is
one quantity of an impression after its transform. A *numeric column* is a measure, or its rank in
or difference from the request. An *id column* holds one id, a *bag column* several.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from clickthrough.config.base import format_duration
from clickthrough.config.features import (
    Age,
    Bag,
    Categorical,
    Counter,
    Counters,
    Feature,
    Hashed,
    Match,
    Numeric,
    Relative,
    RequestSize,
    Sequence,
    Time,
    Transform,
)
from clickthrough.errors import ConfigError
from clickthrough.features.check import check
from clickthrough.schema import Schema

MeasureKind = Literal["field", "impressions", "clicks", "rate", "age", "match", "request_size"]


@dataclass(frozen=True)
class KeySet:
    """A key of counters: its fields; windows and half-lives (seconds) of its counters."""

    fields: tuple[str, ...]
    windows: tuple[int, ...] = ()
    half_lives: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The fields, joined: the name of the key set in columns, stores and bundles."""
        return "+".join(self.fields)

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
    """The last ``length`` clicked values of a field, by a key."""

    key: tuple[str, ...]
    field: str
    length: int

    @property
    def name(self) -> str:
        """The name of its history column: values, shape (n, length), the latest first."""
        return f"{'+'.join(self.key)}:last:{self.field}"

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
    """One quantity: how it is made of input columns (fields or history columns)."""

    name: str
    kind: MeasureKind
    inputs: tuple[str, ...]
    transform: Transform = "none"
    length: int = 0


@dataclass(frozen=True)
class NumericColumn:
    """A measure, or its standing among the candidates of the request."""

    name: str
    measure: str
    relative: Relative | None = None


@dataclass(frozen=True)
class IdColumn:
    """A field with a vocabulary, a hashed field, or a part of the request's moment."""

    name: str
    source: Literal["field", "hashed", "hour", "weekday"]
    field: str
    min_count: int = 1
    max_size: int | None = None
    buckets: int = 0


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


@dataclass(frozen=True)
class Plan:
    """All columns that a declaration makes, and what they need."""

    key_sets: tuple[KeySet, ...]
    sequence_sets: tuple[SequenceSet, ...]
    measures: tuple[Measure, ...]
    numeric: tuple[NumericColumn, ...]
    ids: tuple[IdColumn, ...]
    bags: tuple[BagColumn, ...]
    counters: Counters
    timezone: str

    @property
    def fields(self) -> list[str]:
        """Our names of the raw fields that the plan reads, ``time`` aside."""
        used = [c.field for c in self.ids if c.source in ("field", "hashed")]
        used += [m.inputs[-1] for m in self.measures if m.kind in ("field", "match")]
        used += [field for key_set in self.key_sets for field in key_set.fields]
        used += [field for s in self.sequence_sets for field in (*s.key, s.field)]
        used += [name for bag in self.bags for name in (bag.field, bag.weights) if name]
        return list(dict.fromkeys(used))

    @property
    def list_lengths(self) -> dict[str, int]:
        """How many entries of each list field are read."""
        lengths: dict[str, int] = {}
        for bag in self.bags:
            for field in (bag.column, bag.weights):
                if field is not None:
                    lengths[field] = max(lengths.get(field, 0), bag.length)
        return lengths

    @property
    def history_columns(self) -> list[str]:
        """The names of all history columns."""
        counted = [name for key_set in self.key_sets for name in key_set.columns()]
        return counted + [name for s in self.sequence_sets for name in (s.name, s.size)]

    @property
    def vocabularies(self) -> list[IdColumn | BagColumn]:
        """The columns that have a vocabulary."""
        return [*(column for column in self.ids if column.source == "field"), *self.bags]


def make_plan(features: list[Feature], counters: Counters, schema: Schema, timezone: str) -> Plan:
    """Expand a declaration.

    Raises:
        ConfigError: a field does not exist or has the wrong type, or two columns share a name.
    """
    for place, feature in enumerate(features):
        check(feature, schema, counters, f"features.{place}")
    measured = [pair for feature in features for pair in _measures(feature)]
    numeric = [column for measure, relative in measured for column in _columns(measure, relative)]
    ids = [column for feature in features for column in _ids(feature)]
    bags = [column for feature in features for column in _bags(feature)]
    _no_duplicates([c.name for c in numeric] + [c.name for c in ids] + [c.name for c in bags])
    return Plan(
        key_sets=_key_sets(features),
        sequence_sets=_sequence_sets(features),
        measures=tuple(measure for measure, _ in measured),
        numeric=tuple(numeric),
        ids=tuple(ids),
        bags=tuple(bags),
        counters=counters,
        timezone=timezone,
    )


def _measures(feature: Feature) -> Iterator[tuple[Measure, list[Relative]]]:
    match feature:
        case Numeric():
            for name in feature.fields:
                yield Measure(name, "field", (name,), feature.transform), feature.relative
        case Counter():
            yield from ((measure, feature.relative) for measure in _counter_measures(feature))
        case Age():
            key = KeySet(tuple(feature.key))
            yield (
                Measure(f"{_joined(key.fields)}_age", "age", (key.age,), "log1p"),
                feature.relative,
            )
        case Match():
            yield from ((measure, feature.relative) for measure in _match_measures(feature))
        case RequestSize():
            yield Measure("request_size", "request_size", (), "log1p"), []


def _counter_measures(feature: Counter) -> Iterator[Measure]:
    key = KeySet(tuple(feature.key))
    counters = [("", key.counts())] if feature.all_time else []
    counters += [(f"_in_{format_duration(w)}", key.counts(window=w)) for w in feature.windows]
    counters += [(f"_{format_duration(h)}", key.counts(half_life=h)) for h in feature.half_lives]
    for suffix, (impressions, clicks) in counters:
        for value in feature.values:
            name = f"{_joined(key.fields)}_{value}{suffix}"
            if value == "rate":
                yield Measure(name, "rate", (impressions, clicks), "logit")
            else:
                source = impressions if value == "impressions" else clicks
                yield Measure(name, value, (source,), "log1p")


def _match_measures(feature: Match) -> Iterator[Measure]:
    for field in feature.fields:
        sequence = SequenceSet(tuple(feature.key), field, feature.length)
        name = f"{field}_in_{_joined(sequence.key)}_clicks"
        inputs = (sequence.name, sequence.size, field)
        yield Measure(name, "match", inputs, "log1p", feature.length)


def _columns(measure: Measure, relative: list[Relative]) -> Iterator[NumericColumn]:
    yield NumericColumn(measure.name, measure.name)
    for form in relative:
        yield NumericColumn(f"{measure.name}_{form}", measure.name, form)


def _ids(feature: Feature) -> Iterator[IdColumn]:
    match feature:
        case Categorical():
            for name in feature.fields:
                yield IdColumn(name, "field", name, feature.min_count, feature.max_size)
        case Hashed():
            for name in feature.fields:
                yield IdColumn(f"{name}_hashed", "hashed", name, buckets=feature.buckets)
        case Time():
            yield from (IdColumn(part, part, "time") for part in feature.parts)


def _bags(feature: Feature) -> Iterator[BagColumn]:
    match feature:
        case Bag():
            yield BagColumn(
                f"{feature.field}_bag",
                feature.field,
                feature.field,
                feature.length,
                feature.weights,
                feature.min_count,
                feature.max_size,
            )
        case Sequence():
            sequence = SequenceSet(tuple(feature.key), feature.field, feature.length)
            yield BagColumn(
                f"{_joined(sequence.key)}_{feature.field}_sequence",
                sequence.name,
                feature.field,
                feature.length,
                None,
                feature.min_count,
                feature.max_size,
            )


def _key_sets(features: list[Feature]) -> tuple[KeySet, ...]:
    windows: dict[tuple[str, ...], set[int]] = {}
    half_lives: dict[tuple[str, ...], set[int]] = {}
    for feature in features:
        if not isinstance(feature, Counter | Age):
            continue
        key = tuple(feature.key)
        windows.setdefault(key, set())
        half_lives.setdefault(key, set())
        if isinstance(feature, Counter):
            windows[key].update(feature.windows)
            half_lives[key].update(feature.half_lives)
    return tuple(
        KeySet(key, tuple(sorted(windows[key])), tuple(sorted(half_lives[key]))) for key in windows
    )


def _sequence_sets(features: list[Feature]) -> tuple[SequenceSet, ...]:
    """Unite sequences and matches of one key and field: the longest serves all."""
    lengths: dict[tuple[tuple[str, ...], str], int] = {}
    for feature in features:
        if isinstance(feature, Sequence | Match):
            names = [feature.field] if isinstance(feature, Sequence) else feature.fields
            for field in names:
                known = (tuple(feature.key), field)
                lengths[known] = max(lengths.get(known, 0), feature.length)
    return tuple(SequenceSet(key, field, length) for (key, field), length in lengths.items())


def _joined(fields: tuple[str, ...]) -> str:
    return "_".join(fields)


def _no_duplicates(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"features: declared twice: {', '.join(twice)}")
