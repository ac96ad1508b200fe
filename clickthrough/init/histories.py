"""Features made of past events, for a log that has a time. Pure."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from clickthrough.config.base import format_duration
from clickthrough.init.kinds import Made, clicks
from clickthrough.init.profile import Profile
from clickthrough.init.roles import Guess

_TICKS = (1, 10, 60, 600, 3_600)
_HALF_LIVES = (1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400)
_MOST_KEYS, _MOST_ATTRIBUTES = 4, 2


@dataclass(frozen=True)
class Declared:
    """A feature as the configuration says it.

    Attributes:
        values: of the feature; its fields aside.
        fields: each with its comment; they stand a line each.
        comment: why the feature is there.
    """

    values: dict[str, Any]
    comment: str
    fields: tuple[tuple[str, str], ...] = ()


def tick(guess: Guess) -> int:
    """Return the unit of time of counters in seconds: some 500 in the log, at least a step."""
    if guess.time is None:
        return 600
    fitting = [value for value in _TICKS if value <= guess.time.span / 500]
    return max(fitting[-1] if fitting else 1, guess.time.step)


def time_features(guess: Guess) -> list[Declared]:
    """Declare the parts of the moment that vary within the log."""
    assert guess.time is not None  # noqa: S101
    if not guess.time.known:
        return []
    parts = [] if guess.time.step >= 86_400 else ["hour"]
    parts += ["weekday"] if guess.time.span >= 3 * 86_400 else []
    if not parts:
        return []
    return [Declared({"kind": "time", "parts": parts}, "in data.timezone")]


def history_features(
    profile: Profile, guess: Guess, made: list[Made], count: int
) -> list[Declared]:
    """Declare counters, ages and sequences of a log that has a time.

    Args:
        profile: of the log.
        guess: its roles.
        made: what becomes of the other columns.
        count: how often a value must occur to have an id of its own.
    """
    relative = {"relative": ["rank", "difference"]} if guess.request is not None else {}
    features = []
    if guess.item is not None:
        rank = {"relative": ["rank"]} if guess.request is not None else {}
        features.append(Declared({"kind": "age", "key": "item", **rank}, "new items differ"))
        counter = _counter("item", ["impressions", "rate"], guess)
        features.append(Declared(counter | relative, "how often the item was clicked"))
    for name in _counter_keys(made, len(profile.rows)):
        features.append(Declared(_counter(name, ["rate"], guess), "comes back often"))
    if guess.user is not None:
        features.append(Declared(_counter("user", ["impressions", "rate"], guess), "who clicks"))
        features += _tastes(profile, guess, made, relative, count)
    return features


def _tastes(
    profile: Profile, guess: Guess, made: list[Made], relative: dict[str, Any], count: int
) -> list[Declared]:
    """Declare what a user thinks of items like this one."""
    of_item = attributes(profile, guess, made)
    pairs = [("item", ["impressions", "clicks"])] if guess.item is not None else []
    pairs += [(name, ["impressions", "rate"]) for name in of_item]
    features = [
        Declared(
            {"kind": "counter", "key": ["user", name], "values": values, **relative},
            "what this user made of it before",
        )
        for name, values in pairs
    ]
    if guess.item is None or clicks(profile.rows, guess).sum() < _users(profile, guess):
        return features
    # as often as the item itself: they look up one vocabulary
    own = {"field": "item", "length": 10, "min_count": count}
    values = {"kind": "sequence", "key": "user", **own}
    features.append(Declared(values, "what the user clicked last"))
    if of_item:
        match = {"kind": "match", "key": "user", "fields": of_item}
        features.append(Declared(match, "how often among the user's last clicks"))
    return features


def _users(profile: Profile, guess: Guess) -> int:
    """Return how many users the sample has."""
    return 0 if guess.user is None else profile.columns[guess.user.column].distinct


def _counter(key: str, values: list[str], guess: Guess) -> dict[str, Any]:
    counter: dict[str, Any] = {"kind": "counter", "key": key, "values": values}
    span = guess.time.span if guess.time is not None else 0.0
    fitting = [value for value in _HALF_LIVES if tick(guess) < value <= span / 10]
    return counter | ({"half_lives": [format_duration(fitting[-1])]} if fitting else {})


def _counter_keys(made: list[Made], rows: int) -> list[str]:
    """Return ids of middling cardinality, the finest first: their rates are worth counting."""
    able = [m.column for m in made if m.kind == "categorical" and m.column.type != "bool"]
    able = [c for c in able if 10 <= c.distinct <= rows / 10]
    able.sort(key=lambda column: -column.distinct)
    return [column.name for column in able[:_MOST_KEYS]]


def attributes(profile: Profile, guess: Guess, made: list[Made]) -> list[str]:
    """Return columns that an item has one value of: its topic, its advertiser."""
    if guess.item is None:
        return []
    item, items = guess.item.column, profile.columns[guess.item.column].distinct
    able = [m.column for m in made if m.kind == "categorical"]
    found = []
    for column in able:
        if 2 < column.distinct <= items / 2:
            values = profile.rows.group_by(item).agg(pl.col(column.name).n_unique())[column.name]
            if (values == 1).all():
                found.append(column.name)
    return found[:_MOST_ATTRIBUTES]
