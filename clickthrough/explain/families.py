"""Families of features: what a reader calls by one word, where there are many features.

A feature belongs to one by its kind, and by whose its fields are; the rule is the same for every
log, and makes no more than a dozen.
"""

from collections.abc import Collection
from typing import NamedTuple

from clickthrough.config.explain import FieldSource
from clickthrough.config.features import (
    Age,
    Cosine,
    Counter,
    Elapsed,
    Feature,
    Kinship,
    Match,
    Position,
    RequestSize,
    Sequence,
    Time,
)


class Family(NamedTuple):
    """A family's name, and what it is in words."""

    name: str
    words: str


PROFILE = Family("profile", "who the user is")
CONTEXT = Family("context", "where it is shown")
CANDIDATE = Family("candidate", "what is shown")
MOMENT = Family("moment", "when it is shown")
REQUEST = Family("request", "how many are shown together")
FRESHNESS = Family("freshness", "how new it is")
LIKENESS = Family("likeness", "how alike the candidate and what stands beside it are")
INTERESTS = Family("interests", "what the user clicked and viewed before")
ACTIVITY = Family("activity", "how much the user clicked and viewed before")
REPEATS = Family("repeats", "how often the user met the candidate or its like before")
POPULARITY = Family("popularity", "how the candidate and its like did before")
RESPONSE = Family("response", "how the candidate and its like did before with such users or places")
_OF_FIELDS: dict[FieldSource, Family] = {
    "profile": PROFILE, "context": CONTEXT, "candidate": CANDIDATE,
}  # fmt: skip


def family_of(feature: Feature, fields: Collection[str], sources: dict[str, FieldSource]) -> Family:
    """Return the family of a feature.

    Args:
        feature: its declaration.
        fields: those of its fields that are not of the past.
        sources: where fields come from; of an unknown one, the context.
    """
    match feature:
        case Time():
            return MOMENT
        case RequestSize() | Position():
            return REQUEST
        case Elapsed() | Age():
            return FRESHNESS
        case Cosine():
            return LIKENESS
        case Match() | Sequence() | Kinship():
            return INTERESTS
        case Counter():
            return _of_key(feature.key, sources)
    (field,) = fields
    return _OF_FIELDS[sources.get(field, "context")]


def _of_key(key: Collection[str], sources: dict[str, FieldSource]) -> Family:
    found = {sources.get(field, "context") for field in key if field != "user"}
    if "user" in key:
        return REPEATS if "candidate" in found else ACTIVITY
    if "candidate" in found:
        return POPULARITY if len(found) == 1 else RESPONSE
    return PROFILE if found == {"profile"} else CONTEXT
