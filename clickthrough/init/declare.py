"""From roles and kinds to declared features: what a model of such a log usually needs. Pure."""

from typing import Any

from clickthrough.init.histories import Declared, history_features, time_features
from clickthrough.init.kinds import Kind, Made
from clickthrough.init.profile import Profile
from clickthrough.init.roles import Guess


def min_count(rows: int) -> int:
    """Return how often a value must occur to have an id of its own: more in longer logs."""
    return 2 if rows < 20_000 else 5 if rows < 1_000_000 else 10


def declare(profile: Profile, guess: Guess, made: list[Made], rows: int) -> list[Declared]:
    """Declare features.

    Args:
        profile: of the log.
        guess: its roles.
        made: what becomes of the other columns.
        rows: of the whole log, as far as known.
    """
    features = [*_ids(profile, guess, made, rows), *_bags(made), *_quantities(made, guess)]
    if guess.time is not None:
        features += time_features(guess)
        features += history_features(profile, guess, made, min_count(rows))
    if guess.request is not None:
        features.append(Declared({"kind": "request_size"}, "how many candidates there are"))
    return features


def _ids(profile: Profile, guess: Guess, made: list[Made], rows: int) -> list[Declared]:
    plain = [_said(m) for m in made if m.kind == "categorical"]
    hashed = tuple(_said(m) for m in made if m.kind == "hashed")
    for role, choice in (("item", guess.item), ("user", guess.user)):
        if choice is not None:
            column = profile.columns[choice.column]
            if len(profile.rows) >= 3 * column.distinct:
                plain.append((role, f"{column.distinct:,} values; {choice.column}"))
    count = min_count(rows)
    features = []
    if plain:
        why = f"ids; a value seen fewer than {count} times counts as unseen"
        values = {"kind": "categorical", "min_count": count}
        features.append(Declared(values, why, tuple(plain)))
    if hashed:
        why = "too many values for a vocabulary: ids by hash"
        features.append(Declared({"kind": "hashed", "buckets": 1_000_000}, why, hashed))
    return features


def _bags(made: list[Made]) -> list[Declared]:
    return [
        Declared({"kind": "bag", "field": m.column.name}, m.reason)
        for m in made
        if m.kind == "bag"
    ]  # fmt: skip


def _quantities(made: list[Made], guess: Guess) -> list[Declared]:
    forms: list[tuple[Kind, dict[str, Any], str]] = [
        ("log1p", {"kind": "numeric", "transform": "log1p"}, "quantities with a long tail"),
        ("numeric", {"kind": "numeric"}, "quantities"),
    ]
    features = []
    for kind, values, why in forms:
        fields = tuple(_said(m) for m in made if m.kind == kind)
        if fields:
            relative = {"relative": ["rank"]} if guess.request is not None else {}
            features.append(Declared(values | relative, why, fields))
    return features


def _said(made: Made) -> tuple[str, str]:
    values = "" if made.kind in ("numeric", "log1p") else f"{made.column.distinct:,} values; "
    missing = f"; {made.column.missing:.0%} missing" if made.column.missing else ""
    return made.column.name, f"{values}{made.reason}{missing}"
