"""Groups of model inputs that are explained as one: a declared feature, or a family of them."""

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.base import unknown_name
from clickthrough.config.explain import About, Explain, FieldSource, Source
from clickthrough.config.features import Age, Counter, Feature, Kinship, Match, fields_named
from clickthrough.config.features import Sequence as Clicks
from clickthrough.config.origins import origins_of
from clickthrough.errors import ConfigError
from clickthrough.explain.families import family_of
from clickthrough.explain.words import call_of, words_of
from clickthrough.features.columns import KIN
from clickthrough.features.slots import Slot
from clickthrough.schema import Schema

_LEAST = 3
"""Families: fewer say nothing."""
_MOST_APART = 100
"""Features that are explained each, whatever their families: it costs 3,200 rows an answer."""
_PAST = (Counter, Age, Match, Clicks, Kinship)


@dataclass(frozen=True)
class Group:
    """Inputs that change together.

    Attributes:
        name: of a declared feature (:mod:`clickthrough.config.origins`) or of a family.
        words: what it is, for a reader.
        source: where most of it comes from.
        changeable: whether the user can change some of it.
        features: the declared features in it.
    """

    name: str
    words: str
    source: Source
    changeable: bool
    features: tuple[str, ...]


@dataclass(frozen=True)
class Groups:
    """Groups, and which column of each of the model's inputs is whose.

    Attributes:
        every: the groups.
        ids: the group of each id column, shape (id columns,).
        numeric: of each number, shape (numeric inputs,).
        bags: of each place of the bags side by side, shape (lengths of all bags,).
    """

    every: tuple[Group, ...]
    ids: NDArray[np.intp]
    numeric: NDArray[np.intp]
    bags: NDArray[np.intp]


def groups_of(
    slots: Sequence[Slot],
    declared: Sequence[Feature],
    schema: Schema,
    settings: Explain,
    merged: bool | None = None,
) -> Groups:
    """Divide a model's inputs.

    Args:
        slots: the inputs.
        declared: the features that they come from.
        schema: what the log calls its fields, and where it says that they come from.
        settings: what is said of fields, and how many groups there may be.
        merged: whether features are put into families; by default where there are too many, unless
            hardly any families would come of it.
    """
    made = _features(declared, schema, settings)
    wanted = list(dict.fromkeys(slot.origin for slot in slots))
    families = {origin: made[origin].family for origin in wanted}
    if merged is None:
        few = len({*families.values()}) < _LEAST and len(wanted) <= _MOST_APART
        merged = len(wanted) > settings.most_groups and not few
    of = families if merged else {origin: origin for origin in wanted}
    names = list(dict.fromkeys(of.values()))
    every = tuple(_group(name, [made[o] for o in wanted if of[o] == name]) for name in names)
    place = {origin: names.index(name) for origin, name in of.items()}
    return Groups(every, *(_columns(slots, kinds, place) for kinds in _KINDS))


def check_fields(settings: Explain, schema: Schema) -> None:
    """Refuse to say something of fields that a log does not have.

    Raises:
        ConfigError: a name is none of its fields.
    """
    for name in settings.fields:
        if name not in schema.fields:
            raise ConfigError(f"explain.fields: {unknown_name(name, 'field', list(schema.fields))}")


_KINDS = (("id",), ("number",), ("bag", "sequence"))


def _columns(
    slots: Sequence[Slot], kinds: Sequence[str], place: dict[str, int]
) -> NDArray[np.intp]:
    own = [place[slot.origin] for slot in slots if slot.kind in kinds for _ in range(slot.length)]
    return np.array(own, np.intp)


@dataclass(frozen=True)
class _Made:
    group: Group
    family: str
    family_words: str


def _features(declared: Sequence[Feature], schema: Schema, settings: Explain) -> dict[str, _Made]:
    """Return what is told of each declared feature, by its name."""
    told, sources = settings.fields, sources_of(schema, settings)

    def call(field: str) -> str:
        return told.get(field, About()).words or call_of(schema.input_name(field))

    made: dict[str, _Made] = {}
    for feature in declared:
        of_each = zip(origins_of(feature), words_of(feature, call), strict=True)
        for place, (origin, words) in enumerate(of_each):
            fields = _fields(feature, place)
            family = family_of(feature, fields[:1], sources)
            source = _source(feature, fields, sources)
            group = Group(
                origin, words, source, _changeable(feature, fields, source, told), (origin,)
            )
            made.setdefault(origin, _Made(group, *family))
    return made


def sources_of(schema: Schema, settings: Explain) -> dict[str, FieldSource]:
    """Return where fields come from, by our names: as the log tells, unless its owner says so."""
    told = settings.fields.items()
    own: dict[str, FieldSource] = {n: about.source for n, about in told if about.source}
    return schema.sources | {"item": "candidate", "user": "profile"} | own


def _fields(feature: Feature, place: int) -> list[str]:
    """Return the fields that one of a declaration's features is about."""
    if isinstance(feature, Match):
        return [*feature.key, feature.pairs[place][0]]
    if isinstance(feature, Kinship):
        return [*feature.key, KIN]
    several = getattr(feature, "fields", None)
    if several is not None and feature.kind != "cosine":
        return [several[place]]
    return fields_named(feature)


def _source(feature: Feature, fields: Sequence[str], sources: dict[str, FieldSource]) -> Source:
    if isinstance(feature, _PAST):
        return "past"
    found = {sources.get(field, "context") for field in fields}
    return "candidate" if "candidate" in found else next(iter(sorted(found)), "context")


def _changeable(
    feature: Feature, fields: Sequence[str], source: Source, told: dict[str, About]
) -> bool:
    said = [own.changeable for f in fields if (own := told.get(f)) and own.changeable is not None]
    if said:
        return any(said)
    return source == "profile" or (isinstance(feature, _PAST) and "user" in fields)


def _group(name: str, members: Sequence[_Made]) -> Group:
    if name in (first := members[0].group).features:
        return first
    groups = [one.group for one in members]
    return Group(
        name,
        members[0].family_words,
        Tally(group.source for group in groups).most_common(1)[0][0],
        any(group.changeable for group in groups),
        tuple(feature for group in groups for feature in group.features),
    )
