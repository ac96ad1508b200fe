"""The names of declared features: what columns of a model come from, and what can be dropped.

A declaration may name several fields; each is a feature of its own: ``categorical(item)``,
``counter(user+item)``, ``match(user:topic)``. What a feature makes (windows, standings in the
request) goes by its name too.
"""

from collections.abc import Collection
from collections.abc import Sequence as Items

from clickthrough.config.base import unknown_name
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
    Time,
)


def named(kind: str, *parts: str) -> str:
    """Return the name of a feature.

    >>> named("counter", "views", "user+item")
    'counter(views:user+item)'
    """
    return f"{kind}({':'.join(parts)})" if parts else kind


def of_key(feature: Counter | Age | Sequence | Match | Kinship, *rest: str) -> str:
    """Return the name of a feature of a key."""
    views = isinstance(feature, Counter | Sequence | Match) and feature.of == "views"
    return named(feature.kind, *(["views"] if views else []), "+".join(feature.key), *rest)


def origins_of(feature: Feature) -> list[str]:
    """Return the names of the features that a declaration makes."""
    match feature:
        case Categorical() | Hashed() | Numeric() | Elapsed():
            return [named(feature.kind, field) for field in feature.fields]
        case Time():
            return [named(feature.kind, part) for part in feature.parts]
        case Bag():
            return [named(feature.kind, feature.field)]
        case Cosine():
            return [named(feature.kind, *feature.fields)]
        case Counter() | Age() | Kinship():
            return [of_key(feature)]
        case Sequence():
            return [of_key(feature, feature.field)]
        case Match():
            return [of_key(feature, own) for own, _ in feature.pairs]
    return [named(feature.kind)]


def without(features: Items[Feature], dropped: Items[str]) -> list[Feature]:
    """Return features less some of them.

    A rate that is smoothed towards that of a counter which is gone is smoothed towards the mean.

    Raises:
        ValueError: a name is none of theirs.
    """
    known = [name for feature in features for name in origins_of(feature)]
    for name in dropped:
        if name not in known:
            raise ValueError(f"drop: {unknown_name(name, 'feature', list(dict.fromkeys(known)))}")
    gone = set(dropped)
    return [kept for feature in features if (kept := less(feature, gone)) is not None]


def less(feature: Feature, gone: Collection[str]) -> Feature | None:
    """Return a declaration less the features that are gone; None where all of it is.

    A rate that is smoothed towards that of a counter which is gone is smoothed towards the mean.
    """
    origins = origins_of(feature)
    kept = [place for place, name in enumerate(origins) if name not in gone]
    if not kept:
        return None
    if isinstance(feature, Counter) and feature.toward is not None:
        wider = named("counter", "+".join(feature.toward))
        return feature.model_copy(update={"toward": None}) if wider in gone else feature
    if len(kept) == len(origins):
        return feature
    lists = ("parts",) if isinstance(feature, Time) else ("fields", "against")
    values = {name: getattr(feature, name, None) for name in lists}
    chosen = {n: [v[place] for place in kept] for n, v in values.items() if v is not None}
    return feature.model_copy(update=chosen)
