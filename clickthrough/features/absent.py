"""Features of tables that a log can do without: left out where the table is absent."""

from clickthrough.config.features import (
    Age,
    Bag,
    Categorical,
    Cosine,
    Counter,
    Elapsed,
    Feature,
    Hashed,
    Match,
    Numeric,
    Sequence,
)
from clickthrough.schema import Schema

VIEWS = "page views"
"""How ``schema.absent`` names the page views themselves."""


def present(features: list[Feature], schema: Schema) -> list[Feature]:
    """Return the features that a log can have, less those of its absent fields.

    A feature of several fields keeps the others; a counter with an absent part goes, and one whose
    rate is smoothed towards such a counter's is smoothed towards the mean.
    """
    absent = set(schema.absent)
    kept = (_less(feature, absent) for feature in features)
    return [feature for feature in kept if feature is not None and _whole(feature, absent)]


def _less(feature: Feature, absent: set[str]) -> Feature | None:
    """Return a feature of several fields without the absent ones."""
    match feature:
        case Categorical() | Hashed() | Numeric() | Elapsed():
            fields = [name for name in feature.fields if name not in absent]
            return feature.model_copy(update={"fields": fields}) if fields else None
        case Match():
            pairs = [pair for pair in feature.pairs if absent.isdisjoint(pair)]
            if not pairs:
                return None
            own, theirs = zip(*pairs, strict=True)
            return feature.model_copy(update={"fields": list(own), "against": list(theirs)})
        case Counter() if not absent.isdisjoint(feature.toward or []):
            return feature.model_copy(update={"toward": None})
    return feature


def _whole(feature: Feature, absent: set[str]) -> bool:
    """Return whether a feature has all that it cannot do without."""
    needs: list[str | None] = []
    if isinstance(feature, Counter | Sequence | Match) and feature.of == "views":
        needs.append(VIEWS)
    match feature:
        case Counter() | Age() | Match():
            needs += feature.key
        case Sequence():
            needs += [*feature.key, feature.field]
        case Bag():
            needs += [feature.field, feature.weights]
        case Cosine():
            needs += [*feature.fields, *(feature.weights or [])]
    return absent.isdisjoint(needs)
