"""Features of tables that a log can do without: left out where the table is absent."""

from collections.abc import Iterable, Iterator

from clickthrough.config.features import (
    Age,
    Bag,
    Categorical,
    Cosine,
    Counter,
    Elapsed,
    Feature,
    Hashed,
    Kinship,
    Match,
    Numeric,
    Sequence,
)
from clickthrough.config.origins import less, named, origins_of
from clickthrough.schema import Schema

VIEWS = "page views"
"""How ``schema.absent`` names the page views themselves."""


def present(features: list[Feature], schema: Schema) -> list[Feature]:
    """Return the features that a log can have, less those of its absent fields.

    A feature of several fields keeps the others; a counter with an absent part goes, and one whose
    rate is smoothed towards such a counter's is smoothed towards the mean.
    """
    absent = set(schema.absent)
    kept = []
    for feature in features:
        gone = [name for name, fields in _needs(feature) if not absent.isdisjoint(fields)]
        left = less(feature, gone)
        kept += [] if left is None else [left]
    return kept


def _needs(feature: Feature) -> Iterator[tuple[str, Iterable[str | None]]]:
    """Yield the name of each feature of a declaration with what it cannot do without."""
    origins = origins_of(feature)
    views = isinstance(feature, Counter | Sequence | Match) and feature.of == "views"
    needed: list[str | None] = [VIEWS] if views else []
    match feature:
        case Categorical() | Hashed() | Numeric() | Elapsed():
            yield from ((o, [field]) for o, field in zip(origins, feature.fields, strict=True))
        case Match():
            pairs = zip(origins, feature.pairs, strict=True)
            yield from ((o, [*needed, *feature.key, *pair]) for o, pair in pairs)
        case Counter() | Age():
            yield origins[0], [*needed, *feature.key]
            if isinstance(feature, Counter) and feature.toward:
                yield named("counter", "+".join(feature.toward)), [*feature.toward]
        case Kinship():
            yield origins[0], feature.key
        case Sequence():
            yield origins[0], [*needed, *feature.key, feature.field]
        case Bag():
            yield origins[0], [feature.field, feature.weights]
        case Cosine():
            yield origins[0], [*feature.fields, *(feature.weights or [])]
