"""From the declaration to the columns of the model's input."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from clickthrough.config.base import format_duration
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
    Relative,
    RequestSize,
    Sequence,
    Time,
)
from clickthrough.config.origins import of_key, origins_of
from clickthrough.errors import ConfigError
from clickthrough.features.absent import present
from clickthrough.features.check import check
from clickthrough.features.columns import (
    KIN,
    BagColumn,
    IdColumn,
    KeySet,
    Measure,
    MeasureKind,
    NumericColumn,
    SequenceSet,
)
from clickthrough.features.levels import Levels, rate_levels
from clickthrough.schema import Schema

_OWN_FIELD: tuple[MeasureKind, ...] = ("field", "match", "kinship", "elapsed")
"""Measures whose last input is a field of the impression."""


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
        used += [m.inputs[-1] for m in self.measures if m.kind in _OWN_FIELD]
        used += [field for m in self.measures if m.kind == "cosine" for field in m.inputs]
        used += [field for key_set in self.key_sets for field in key_set.fields]
        used += [field for s in self.sequence_sets for field in (*s.key, s.field)]
        used += [name for bag in self.bags for name in (bag.field, bag.weights) if name]
        return list(dict.fromkeys(used))

    @property
    def array_fields(self) -> list[str]:
        """The fields that encoding reads as arrays; of others the values or ids will do."""
        used = [c.field for c in self.ids if c.source == "hashed"]
        used += [m.inputs[-1] for m in self.measures if m.kind in _OWN_FIELD]
        used += [field for m in self.measures if m.kind == "cosine" for field in m.inputs]
        given = [bag for bag in self.bags if bag.column == bag.field]
        used += [name for bag in given for name in (bag.field, bag.weights) if name]
        return list(dict.fromkeys(used))

    @property
    def list_lengths(self) -> dict[str, int]:
        """How many entries of each list field are read."""
        lengths: dict[str, int] = {}
        read = [(f, bag.length) for bag in self.bags for f in (bag.column, bag.weights) if f]
        read += [(f, m.length) for m in self.measures if m.kind == "cosine" for f in m.inputs]
        for field, length in read:
            lengths[field] = max(lengths.get(field, 0), length)
        return lengths

    @property
    def history_columns(self) -> list[str]:
        """The names of all history columns."""
        counted = [name for key_set in self.key_sets for name in key_set.columns()]
        return counted + [name for s in self.sequence_sets for name in (s.name, s.size)]

    @property
    def asks_for_kin(self) -> bool:
        """Whether a measure needs to know what makes users alike."""
        return any(measure.kind == "kinship" for measure in self.measures)

    @property
    def vocabularies(self) -> dict[str, IdColumn | BagColumn]:
        """Field -> the first column that looks it up: columns of a field share a vocabulary."""
        columns: list[IdColumn | BagColumn] = [c for c in self.ids if c.source == "field"]
        columns += self.bags
        first: dict[str, IdColumn | BagColumn] = {}
        for column in columns:
            first.setdefault(column.table, column)
        return first


def make_plan(features: list[Feature], counters: Counters, schema: Schema, timezone: str) -> Plan:
    """Expand a declaration.

    Raises:
        ConfigError: a field does not exist or has the wrong type, or two columns share a name.
    """
    placed = [(place, f) for place, one in enumerate(features) for f in present([one], schema)]
    for place, feature in placed:
        check(feature, schema, counters, f"features.{place}")
    features = [feature for _, feature in placed]
    levels = rate_levels(features, counters)
    measured = [(one, *pair) for one in features for pair in _measures(one, levels)]
    numeric = [column for made in measured for column in _columns(*made)]
    ids = [column for feature in features for column in _ids(feature)]
    bags = [column for feature in features for column in _bags(feature)]
    _no_duplicates([c.name for c in numeric] + [c.name for c in ids] + [c.name for c in bags])
    _one_vocabulary([*(c for c in ids if c.source == "field"), *bags])
    return Plan(
        key_sets=_key_sets(features),
        sequence_sets=_sequence_sets(features),
        measures=tuple(measure for _, measure, _ in measured),
        numeric=tuple(numeric),
        ids=tuple(ids),
        bags=tuple(bags),
        counters=counters,
        timezone=timezone,
    )


def _measures(feature: Feature, levels: Levels) -> Iterator[tuple[Measure, list[Relative]]]:
    match feature:
        case Numeric():
            for name, origin in _each(feature):
                made = Measure(name, "field", (name,), feature.transform, origin=origin)
                yield made, feature.relative
        case Counter():
            counted = _counter_measures(feature, levels)
            yield from ((measure, feature.relative) for measure in _from(counted, feature))
        case Age():
            key = KeySet(tuple(feature.key))
            made = Measure(f"{_joined(key.fields)}_age", "age", (key.age,), "log1p")
            yield replace(made, origin=of_key(feature)), feature.relative
        case Match():
            yield from ((measure, feature.relative) for measure in _match_measures(feature))
        case Kinship():
            (made,) = _from([_kinship_measure(feature)], feature)
            yield made, feature.relative
        case Elapsed():
            for name, origin in _each(feature):
                made = Measure(f"{name}_elapsed", "elapsed", (name,), "log1p", origin=origin)
                yield made, feature.relative
        case Cosine():
            (made,) = _from([_cosine_measure(feature)], feature)
            yield made, feature.relative
        case RequestSize():
            yield Measure("request_size", "request_size", (), "log1p", origin=feature.kind), []
        case Position():
            made = Measure("position", "position", (), "log1p", at=feature.at)
            yield replace(made, origin=feature.kind), []


def _each(feature: Categorical | Hashed | Numeric | Elapsed) -> Iterator[tuple[str, str]]:
    """Yield each field with the name of its feature."""
    return zip(feature.fields, origins_of(feature), strict=True)


def _from(measures: Iterable[Measure], feature: Feature) -> Iterator[Measure]:
    """Return measures that all come from one feature."""
    (origin,) = origins_of(feature)
    return (replace(measure, origin=origin) for measure in measures)


def _counter_measures(feature: Counter, levels: Levels) -> Iterator[Measure]:
    key = KeySet(tuple(feature.key), of=feature.of)
    counters = [("", key.counts())] if feature.all_time else []
    counters += [(f"_in_{format_duration(w)}", key.counts(window=w)) for w in feature.windows]
    counters += [(f"_{format_duration(h)}", key.counts(half_life=h)) for h in feature.half_lives]
    for suffix, (impressions, clicks) in counters:
        if feature.of == "views":
            name = f"{_joined(key.fields)}_views{suffix}"
            yield Measure(name, "impressions", (impressions,), "log1p")
            continue
        for value in feature.values:
            name = f"{_joined(key.fields)}_{value}{suffix}"
            if value == "rate":
                (_, own), *wider = levels[key.name]
                inputs = [impressions, clicks, *(c for k, _ in wider for c in k.counts())]
                smoothing = (own, *(weight for _, weight in wider))
                yield Measure(name, "rate", tuple(inputs), "logit", smoothing=smoothing)
            else:
                source = impressions if value == "impressions" else clicks
                yield Measure(name, value, (source,), "log1p")


def _match_measures(feature: Match) -> Iterator[Measure]:
    what = "views" if feature.of == "views" else "clicks"
    for own, field in feature.pairs:
        sequence = SequenceSet(tuple(feature.key), field, feature.length, feature.of)
        name = f"{own}_in_{_joined(sequence.key)}_{what}"
        inputs = (sequence.name, sequence.size, own)
        origin = of_key(feature, own)
        yield Measure(name, "match", inputs, "log1p", feature.length, origin=origin)


def _kinship_measure(feature: Kinship) -> Measure:
    sequence = _clickers(feature)
    inputs = (sequence.name, sequence.size, KIN)
    return Measure(f"kin_of_{_joined(sequence.key)}", "kinship", inputs, length=feature.length)


def _clickers(feature: Kinship) -> SequenceSet:
    """Return who clicked a key last."""
    return SequenceSet(tuple(feature.key), KIN, feature.length)


def _cosine_measure(feature: Cosine) -> Measure:
    inputs = (*feature.fields, *(feature.weights or ()))
    return Measure("_like_".join(feature.fields), "cosine", inputs, "none", feature.length)


def _columns(
    feature: Feature, measure: Measure, relative: list[Relative]
) -> Iterator[NumericColumn]:
    missing = feature.missing if isinstance(feature, Numeric) else "median"
    origin = measure.origin
    yield NumericColumn(measure.name, measure.name, missing=missing, origin=origin)
    for form in relative:
        yield NumericColumn(f"{measure.name}_{form}", measure.name, form, origin=origin)


def _ids(feature: Feature) -> Iterator[IdColumn]:
    match feature:
        case Categorical():
            for name, origin in _each(feature):
                limits = feature.min_count, feature.max_size
                yield IdColumn(name, "field", name, *limits, origin=origin)
        case Hashed():
            for name, origin in _each(feature):
                buckets = feature.buckets
                yield IdColumn(f"{name}_hashed", "hashed", name, buckets=buckets, origin=origin)
        case Time():
            for part, origin in zip(feature.parts, origins_of(feature), strict=True):
                yield IdColumn(part, part, "time", origin=origin)


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
                *origins_of(feature),
            )
        case Sequence():
            sequence = SequenceSet(tuple(feature.key), feature.field, feature.length, feature.of)
            suffix = "views" if feature.of == "views" else "sequence"
            yield BagColumn(
                f"{_joined(sequence.key)}_{feature.field}_{suffix}",
                sequence.name,
                feature.field,
                feature.length,
                None,
                feature.min_count,
                feature.max_size,
                *origins_of(feature),
            )


def _key_sets(features: list[Feature]) -> tuple[KeySet, ...]:
    """Unite counters and ages of one key: one pass serves all."""
    united: dict[str, KeySet] = {}
    for feature in features:
        match feature:
            case Counter():
                key, lives = tuple(feature.key), tuple(feature.half_lives)
                key_set = KeySet(key, tuple(feature.windows), lives, feature.of)
            case Age():
                key_set = KeySet(tuple(feature.key))
            case _:
                continue
        known = united.get(key_set.name, key_set)
        united[key_set.name] = replace(
            key_set,
            windows=tuple(sorted({*known.windows, *key_set.windows})),
            half_lives=tuple(sorted({*known.half_lives, *key_set.half_lives})),
        )
    return tuple(united.values())


def _sequence_sets(features: list[Feature]) -> tuple[SequenceSet, ...]:
    """Unite sequences, matches and kinships of one key and field: the longest serves all."""
    united: dict[str, SequenceSet] = {}
    for feature in features:
        for made in _sequences(feature):
            known = united.get(made.name, made)
            united[made.name] = replace(made, length=max(known.length, made.length))
    return tuple(united.values())


def _sequences(feature: Feature) -> list[SequenceSet]:
    match feature:
        case Kinship():
            return [_clickers(feature)]
        case Sequence():
            fields = [feature.field]
        case Match():
            fields = [field for _, field in feature.pairs]
        case _:
            return []
    key = tuple(feature.key)
    return [SequenceSet(key, field, feature.length, feature.of) for field in fields]


def _joined(fields: tuple[str, ...]) -> str:
    return "_".join(fields)


def _one_vocabulary(columns: list[IdColumn | BagColumn]) -> None:
    """Refuse columns of one field that would keep different values of it."""
    first: dict[str, IdColumn | BagColumn] = {}
    for column in columns:
        known = first.setdefault(column.table, column)
        limits = [(one.min_count, one.max_size) for one in (known, column)]
        if limits[0] != limits[1]:
            (least, most), (other_least, other_most) = limits
            raise ConfigError(
                f"features: {known.origin} and {column.origin} look up one vocabulary of "
                f"'{column.field}', but declare min_count {least} and {other_least}, max_size "
                f"{most} and {other_most}: expected the same"
            )


def _no_duplicates(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"features: declared twice: {', '.join(twice)}")
