"""Whether a feature can be made of a log's columns."""

from clickthrough.config.base import unknown_name
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
    RequestSize,
    Sequence,
    Time,
)
from clickthrough.errors import ConfigError
from clickthrough.schema import FieldType, Schema

_IDS: tuple[FieldType, ...] = ("int", "str", "bool")
_NUMBERS: tuple[FieldType, ...] = ("int", "float", "bool")
_LISTS: tuple[FieldType, ...] = ("ints", "strs")


def check(feature: Feature, schema: Schema, counters: Counters, place: str) -> None:
    """Check one declared feature.

    Raises:
        ConfigError: a field does not exist or has the wrong type; names the place.
    """
    if isinstance(feature, Counter | Age | Time | Sequence | Match) and "time" not in schema.roles:
        raise ConfigError(f"{place}: '{feature.kind}' needs a time, but the log has no time column")
    if isinstance(feature, Counter):
        _whole_ticks(feature, counters, place)
    for name, kinds in _needs(feature).items():
        found = schema.fields.get(name)
        if found is None:
            raise ConfigError(f"{place}: {unknown_name(name, 'field', list(schema.fields))}")
        if found not in kinds:
            raise ConfigError(
                f"{place}: field '{name}' is of type {found}; '{feature.kind}' needs one of "
                f"{', '.join(kinds)}"
            )


def _needs(feature: Feature) -> dict[str, tuple[FieldType, ...]]:
    """Return the fields that a feature reads, with the types that it can use."""
    match feature:
        case Categorical() | Hashed():
            return dict.fromkeys(feature.fields, _IDS)
        case Numeric():
            return dict.fromkeys(feature.fields, _NUMBERS)
        case Counter() | Age():
            return dict.fromkeys(feature.key, _IDS)
        case Sequence():
            return dict.fromkeys([*feature.key, feature.field], _IDS)
        case Match():
            return dict.fromkeys([*feature.key, *feature.fields], _IDS)
        case Bag():
            weights = {feature.weights: ("floats", "ints")} if feature.weights else {}
            return {feature.field: _LISTS, **weights}  # type: ignore[dict-item]
        case Time() | RequestSize():
            return {}


def _whole_ticks(feature: Counter, counters: Counters, place: str) -> None:
    for window in feature.windows:
        if window % counters.tick:
            raise ConfigError(f"{place}: windows: expected multiples of counters.tick")
