"""Declared features in words, for whoever sees an answer."""

from collections.abc import Callable, Sequence

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
    Time,
)
from clickthrough.config.features import Sequence as Clicks

Call = Callable[[str], str]
"""Makes what a reader calls a field of its name."""
_PARTS = {"hour": "the hour of the day", "weekday": "the day of the week"}


def call_of(name: str) -> str:
    """Return what a reader calls a column.

    >>> call_of("ad_topic_id"), call_of("category_ids"), call_of("price")
    ('ad topic', 'categories', 'price')
    """
    words = name.replace("_", " ").strip()
    if words.lower().endswith(" id"):
        return words[:-3]
    if not words.lower().endswith(" ids"):
        return words or name
    stem = words[:-4]
    return f"{stem[:-1]}ies" if stem.endswith("y") else f"{stem}s"


def words_of(feature: Feature, call: Call) -> list[str]:
    """Return what each feature that a declaration makes is in words.

    Args:
        feature: the declaration.
        call: what a field is called.

    Returns:
        As many as :func:`clickthrough.config.origins.origins_of`, in its order.
    """
    match feature:
        case Categorical() | Hashed() | Numeric():
            return [f"the {call(field)}" for field in feature.fields]
        case Elapsed():
            return [f"the time since {call(field)}" for field in feature.fields]
        case Bag():
            return [f"the {call(feature.field)}"]
        case Time():
            return [_PARTS[part] for part in feature.parts]
        case Cosine():
            one, other = map(call, feature.fields)
            return [f"how alike {one} and {other} are"]
        case Kinship():
            key = " with this ".join(map(call, feature.key))
            return [f"how alike the user and those who clicked the {key} before are"]
        case Counter() | Age() | Clicks() | Match():
            return _of_history(feature, call)
    return ["how many candidates there are" if feature.kind == "request_size" else "the place"]


def _of_history(feature: Counter | Age | Clicks | Match, call: Call) -> list[str]:
    key = [call(field) for field in feature.key if field != "user"]
    rest = " with this ".join(key)
    who = "the user" if "user" in feature.key else f"whoever shares this {rest}"
    did = "viewed" if not isinstance(feature, Age) and feature.of == "views" else "clicked"
    match feature:
        case Counter():
            return [_counted(feature, key, did)]
        case Age():
            known = f"the {rest}" if "user" not in feature.key else f"the user with this {rest}"
            return [f"how long {known if rest else 'the user'} has been known"]
        case Clicks():
            return [f"the last {call(feature.field)} that {who} {did}"]
    return [f"how often {who} {did} this {call(own)} before" for own, _ in feature.pairs]


def _counted(feature: Counter, key: Sequence[str], did: str) -> str:
    rest = " with this ".join(key)
    if "user" not in feature.key:
        shown = "viewed" if did == "viewed" else "shown and clicked"
        return f"how often the {rest} was {shown} before"
    if did == "viewed":
        return "how many pages the user viewed before" + (f", with this {rest}" if rest else "")
    return (
        f"how often the user was shown and clicked {f'this {rest}' if rest else 'anything'} before"
    )
