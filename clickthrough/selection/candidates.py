"""Candidates made of a log's own fields, beside those that are declared."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import polars as pl

from clickthrough.config.features import (
    Age,
    Categorical,
    Cosine,
    Counter,
    Elapsed,
    Feature,
    Kinship,
    Match,
    Numeric,
    Relative,
)
from clickthrough.config.root import Config
from clickthrough.data.dataset import Dataset
from clickthrough.schema import FieldType
from clickthrough.training.prepare import plan_of

_FORMS: list[Relative] = ["rank", "difference"]
_HALF_LIVES, _WINDOWS = (21_600, 86_400), (86_400,)
"""Seconds: six hours and a day."""
_MOST_VALUES = 10_000
"""A field of a pair has no more values: of more, a pair is hardly ever met twice."""
_LOOKED_AT = 200_000
"""Rows by which it is told how many values fields have, and which vary within a request."""
_BAGS: tuple[FieldType, ...] = ("ints", "strs")


def with_generated(config: Config, dataset: Dataset, most: int) -> Config:
    """Return a configuration that declares more: counters, pairs, standings, cosines.

    Args:
        config: what is declared stays, with all standings in the request.
        dataset: the log.
        most: numeric columns of all together.
    """
    fields = _Fields(config, dataset)
    features = [_with_forms(feature, fields) for feature in config.features]
    room = most - len(
        plan_of(config.model_copy(update={"features": features}), dataset.schema).numeric
    )
    for made in _made(config, fields):
        columns = len(plan_of(_only(config, made), dataset.schema).numeric)
        if columns <= room:
            features.append(made)
            room -= columns
    return config.model_copy(update={"features": features})


def _only(config: Config, feature: Feature) -> Config:
    return config.model_copy(update={"features": [feature], "drop": []})


class _Fields:
    """What can be counted by.

    Attributes:
        values: how many values each field has.
        ids: fields of categorical features, the user and the item, those of few values first.
        varied: those that differ within a request.
        bags: list fields of ids by their type.
        timed: whether the log says when, without which nothing is counted.
    """

    def __init__(self, config: Config, dataset: Dataset) -> None:
        schema = dataset.schema
        named = [f for one in config.declared if isinstance(one, Categorical) for f in one.fields]
        every = [f for f in dict.fromkeys([*named, "user", "item"]) if f in schema.fields]
        rows = dataset.impressions().head(_LOOKED_AT)
        values = rows.select(pl.col(every).n_unique()).collect().row(0)
        self.values = dict(zip(every, values, strict=True))
        self.ids = sorted(every, key=self.values.__getitem__)
        changes = rows.group_by("request_id").agg(pl.col(every).n_unique() > 1).select(
            pl.col(every).any()
        )  # fmt: skip
        self.varied = {f for f, v in zip(every, changes.collect().row(0), strict=True) if v}
        self.bags = {kind: [f for f, own in schema.fields.items() if own == kind] for kind in _BAGS}
        self.timed = "time" in schema.roles

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield pairs of fields of few values; one of them varies in requests, if any does."""
        few = [field for field in self.ids if self.values[field] <= _MOST_VALUES]
        pairs = [p for p in combinations(few, 2) if not self.varied or self.varied & {*p}]
        yield from sorted(pairs, key=lambda p: self.values[p[0]] * self.values[p[1]])

    def forms(self, key: Iterable[str]) -> list[Relative]:
        """Return the standings in the request that a key's quantities can have."""
        return _FORMS if self.varied & {*key} else []


def _with_forms(feature: Feature, fields: _Fields) -> Feature:
    """Add the standings in the request that a declaration leaves out."""
    if not isinstance(feature, Counter | Age | Match | Kinship | Numeric | Elapsed | Cosine):
        return feature
    if isinstance(feature, Counter | Age) and not fields.forms(feature.key):
        return feature
    return feature.model_copy(update={"relative": _FORMS}) if fields.varied else feature


def _made(config: Config, fields: _Fields) -> Iterator[Feature]:
    """Yield declarations, the simplest first."""
    if fields.timed:
        for field in fields.ids:
            yield from _counters(config, [field], fields)
    yield from _cosines(config, fields)
    if fields.timed:
        for pair in fields.pairs():
            yield from _counters(config, list(pair), fields)


def _counters(config: Config, key: list[str], fields: _Fields) -> Iterator[Counter]:
    """Yield a counter of a key, with the half-lives and windows that none declared has."""
    same = [
        one
        for one in config.declared
        if isinstance(one, Counter) and one.of == "impressions" and {*one.key} == {*key}
    ]
    lives = [life for life in _HALF_LIVES if all(life not in one.half_lives for one in same)]
    ticks = config.counters.tick
    windows = [
        window
        for window in _WINDOWS
        if window % ticks == 0 and all(window not in one.windows for one in same)
    ]
    all_time = not any(one.all_time for one in same)
    if lives or windows or all_time:
        yield Counter(
            kind="counter",
            key=same[0].key if same else key,
            all_time=all_time,
            half_lives=lives,
            windows=windows,
            relative=fields.forms(key),
        )


def _cosines(config: Config, fields: _Fields) -> Iterator[Cosine]:
    declared = [{*one.fields} for one in config.declared if isinstance(one, Cosine)]
    for names in fields.bags.values():
        for pair in combinations(names, 2):
            if {*pair} not in declared:
                yield Cosine(kind="cosine", fields=list(pair), relative=_relative(fields))


def _relative(fields: _Fields) -> Sequence[Relative]:
    return _FORMS if fields.varied else []
