"""Whether a feature can be made of a log's columns."""

from clickthrough.config.base import unknown_name
from clickthrough.config.features import (
    Age,
    Bag,
    Categorical,
    Cosine,
    Counter,
    Counters,
    Elapsed,
    Feature,
    Hashed,
    Kinship,
    Match,
    Numeric,
    Position,
    RequestSize,
    Sequence,
    Time,
)
from clickthrough.errors import ConfigError
from clickthrough.features.columns import KIN
from clickthrough.schema import FieldType, Schema

_IDS: tuple[FieldType, ...] = ("int", "str", "bool")
_NUMBERS: tuple[FieldType, ...] = ("int", "float", "bool")
_FLOAT: FieldType = "float"
_LISTS: tuple[FieldType, ...] = ("ints", "strs")
_WEIGHTS: tuple[FieldType, ...] = ("floats", "ints")


def check(feature: Feature, schema: Schema, counters: Counters, place: str) -> None:
    """Check one declared feature.

    Raises:
        ConfigError: a field does not exist or has the wrong type; names the place.
    """
    timed = isinstance(feature, Counter | Age | Time | Elapsed | Sequence | Match | Kinship)
    if timed and "time" not in schema.roles:
        raise ConfigError(f"{place}: '{feature.kind}' needs a time, but the log has no time column")
    if isinstance(feature, Counter):
        _whole_ticks(feature, counters, place)
    _viewed(feature, schema, place)
    if isinstance(feature, Cosine):
        _alike(feature, schema, place)
    for name, kinds in _needs(feature).items():
        found = schema.fields.get(name)
        if found is None:
            raise ConfigError(f"{place}: {unknown_name(name, 'field', list(schema.fields))}")
        if found not in kinds:
            raise ConfigError(
                f"{place}: field '{name}' is of type {found}; '{feature.kind}' needs one of "
                f"{', '.join(kinds)}"
            )


def as_served(schema: Schema, features: list[Feature]) -> Schema:
    """Return a schema in which what is read as a quantity alone takes any number.

    A log may hold whole ages only; a caller may send 35.5 all the same.
    """
    used: dict[str, set[FieldType]] = {}
    for feature in features:
        for name, kinds in _needs(feature).items():
            used[name] = used.get(name, set(_NUMBERS)) & set(kinds)
    quantities = {
        name: _FLOAT
        for name, kinds in used.items()
        if schema.fields.get(name) == "int" and name not in schema.roles and _FLOAT in kinds
    }
    return schema.model_copy(update={"fields": {**schema.fields, **quantities}})


def _needs(feature: Feature) -> dict[str, tuple[FieldType, ...]]:
    """Return the fields that a feature reads, with the types that it can use."""
    match feature:
        case Categorical() | Hashed():
            return dict.fromkeys(feature.fields, _IDS)
        case Numeric() | Elapsed():
            return dict.fromkeys(feature.fields, _NUMBERS)
        case Counter() | Age():
            return dict.fromkeys(feature.key, _IDS)
        case Sequence() | Kinship():
            field = KIN if isinstance(feature, Kinship) else feature.field
            return dict.fromkeys([*feature.key, field], _IDS)
        case Match():
            fields = [field for pair in feature.pairs for field in pair]
            return dict.fromkeys([*feature.key, *fields], _IDS)
        case Cosine():
            return dict.fromkeys(feature.fields, _LISTS) | dict.fromkeys(
                feature.weights or [], _WEIGHTS
            )
        case Bag():
            weights = {feature.weights: _WEIGHTS} if feature.weights else {}
            return {feature.field: _LISTS, **weights}
        case Time() | RequestSize() | Position():
            return {}


def _whole_ticks(feature: Counter, counters: Counters, place: str) -> None:
    for window in feature.windows:
        if window % counters.tick:
            raise ConfigError(f"{place}: windows: expected multiples of counters.tick")


def _alike(feature: Cosine, schema: Schema, place: str) -> None:
    """Refuse to compare whole numbers with texts: no two would be equal."""
    found = [schema.fields.get(name) for name in feature.fields]
    if set(found) == set(_LISTS):
        named = " and ".join(f"'{n}' ({k})" for n, k in zip(feature.fields, found, strict=True))
        raise ConfigError(f"{place}: 'cosine' compares fields of one type; found {named}")


def _viewed(feature: Feature, schema: Schema, place: str) -> None:
    """Refuse a history of page views where the log has none, or none with these fields."""
    if not isinstance(feature, Counter | Sequence | Match) or feature.of != "views":
        return
    if not schema.views:
        raise ConfigError(f"{place}: 'of: views' needs page views, but the log has none")
    used = list(feature.key)
    used += [feature.field] if isinstance(feature, Sequence) else []
    used += [field for _, field in feature.pairs] if isinstance(feature, Match) else []
    for name in used:
        if name not in schema.views:
            raise ConfigError(
                f"{place}: {unknown_name(name, 'field of a page view', schema.views)}"
            )
