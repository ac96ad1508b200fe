"""From the declaration to the columns of the model's input.

A *key set* is the key of some counters. A *measure* is one quantity of an impression after its
transform. A *numeric column* is a measure, or its rank in or difference from the request. An
*id column* is a vocabulary or a part of time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from clickthrough.config.base import format_duration, unknown_name
from clickthrough.config.features import (
    Age,
    Categorical,
    Counter,
    Counters,
    Feature,
    Numeric,
    Relative,
    RequestSize,
    Time,
    Transform,
)
from clickthrough.errors import ConfigError
from clickthrough.schema import Schema

MeasureKind = Literal["field", "impressions", "clicks", "rate", "age", "request_size"]


@dataclass(frozen=True)
class KeySet:
    """A key of counters: its fields, and the half-lives (seconds) of its decayed counters."""

    fields: tuple[str, ...]
    half_lives: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The fields, joined: the name of the key set in columns, stores and bundles."""
        return "+".join(self.fields)

    def column(self, value: str, half_life: int | None = None) -> str:
        """Name a history column: ``item.clicks`` (all time) or ``item.clicks@6h`` (decayed)."""
        decay = f"@{format_duration(half_life)}" if half_life else ""
        return f"{self.name}.{value}{decay}"


@dataclass(frozen=True)
class Measure:
    """One quantity: how it is made of input columns (fields or history columns)."""

    name: str
    kind: MeasureKind
    inputs: tuple[str, ...]
    transform: Transform = "none"


@dataclass(frozen=True)
class NumericColumn:
    """A measure, or its standing among the candidates of the request."""

    name: str
    measure: str
    relative: Relative | None = None


@dataclass(frozen=True)
class IdColumn:
    """A field with a vocabulary, or a part of the request's moment."""

    name: str
    source: Literal["field", "hour", "weekday"]
    min_count: int = 1
    max_size: int | None = None


@dataclass(frozen=True)
class Plan:
    """All columns that a declaration makes, and what they need."""

    key_sets: tuple[KeySet, ...]
    measures: tuple[Measure, ...]
    numeric: tuple[NumericColumn, ...]
    ids: tuple[IdColumn, ...]
    counters: Counters
    timezone: str

    @property
    def fields(self) -> list[str]:
        """Our names of the raw fields that the plan reads, ``time`` aside."""
        used = [column.name for column in self.ids if column.source == "field"]
        used += [name for m in self.measures if m.kind == "field" for name in m.inputs]
        used += [field for key_set in self.key_sets for field in key_set.fields]
        return list(dict.fromkeys(used))


def make_plan(features: list[Feature], counters: Counters, schema: Schema, timezone: str) -> Plan:
    """Expand a declaration.

    Raises:
        ConfigError: a field does not exist or has the wrong type, or two columns share a name.
    """
    for place, feature in enumerate(features):
        _check(feature, schema, f"features.{place}")
    measured = [pair for feature in features for pair in _measures(feature)]
    numeric = [column for measure, relative in measured for column in _columns(measure, relative)]
    ids = [column for feature in features for column in _ids(feature)]
    _no_duplicates([column.name for column in numeric] + [column.name for column in ids])
    return Plan(
        key_sets=_key_sets(features),
        measures=tuple(measure for measure, _ in measured),
        numeric=tuple(numeric),
        ids=tuple(ids),
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
            name = f"{'_'.join(key.fields)}_age"
            yield Measure(name, "age", (key.column("age"),), "log1p"), feature.relative
        case RequestSize():
            yield Measure("request_size", "request_size", (), "log1p"), []


def _counter_measures(feature: Counter) -> Iterator[Measure]:
    key = KeySet(tuple(feature.key))
    half_lives: list[int | None] = [None] if feature.all_time else []
    for half_life in half_lives + list(feature.half_lives):
        suffix = f"_{format_duration(half_life)}" if half_life else ""
        impressions = key.column("impressions", half_life)
        clicks = key.column("clicks", half_life)
        for value in feature.values:
            name = f"{'_'.join(key.fields)}_{value}{suffix}"
            if value == "rate":
                yield Measure(name, "rate", (impressions, clicks), "logit")
            else:
                source = impressions if value == "impressions" else clicks
                yield Measure(name, value, (source,), "log1p")


def _columns(measure: Measure, relative: list[Relative]) -> Iterator[NumericColumn]:
    yield NumericColumn(measure.name, measure.name)
    for form in relative:
        yield NumericColumn(f"{measure.name}_{form}", measure.name, form)


def _ids(feature: Feature) -> Iterator[IdColumn]:
    if isinstance(feature, Categorical):
        for name in feature.fields:
            yield IdColumn(name, "field", feature.min_count, feature.max_size)
    elif isinstance(feature, Time):
        yield from (IdColumn(part, part) for part in feature.parts)


def _key_sets(features: list[Feature]) -> tuple[KeySet, ...]:
    half_lives: dict[tuple[str, ...], set[int]] = {}
    for feature in features:
        if isinstance(feature, Counter | Age):
            wanted = feature.half_lives if isinstance(feature, Counter) else []
            half_lives.setdefault(tuple(feature.key), set()).update(wanted)
    return tuple(KeySet(key, tuple(sorted(lives))) for key, lives in half_lives.items())


def _check(feature: Feature, schema: Schema, place: str) -> None:
    if isinstance(feature, RequestSize):
        return
    needs_time = isinstance(feature, Counter | Age | Time)
    if needs_time and "time" not in schema.roles:
        raise ConfigError(f"{place}: '{feature.kind}' needs a time, but the log has no time column")
    if isinstance(feature, Time):
        return
    names = feature.key if isinstance(feature, Counter | Age) else feature.fields
    for name in names:
        _check_field(name, feature, schema, place)


def _check_field(name: str, feature: Feature, schema: Schema, place: str) -> None:
    kind = schema.fields.get(name)
    if kind is None:
        raise ConfigError(f"{place}: {unknown_name(name, 'field', list(schema.fields))}")
    if isinstance(feature, Numeric) and kind == "str":
        raise ConfigError(f"{place}: '{name}' is text; a numeric feature needs numbers")
    if not isinstance(feature, Numeric) and kind == "float":
        raise ConfigError(
            f"{place}: '{name}' holds fractions; '{feature.kind}' needs whole numbers or text"
        )


def _no_duplicates(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"features: declared twice: {', '.join(twice)}")
