"""From importances to what stays, each decision with its reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from clickthrough.selection.importance import Importances
from clickthrough.selection.settings import Choice

_MOST_FOLDS = 0.8
"""A feature rises above noise by more than its error, and is worth something in so many folds."""
Alike = Callable[[Sequence[str]], Mapping[str, str]]
"""Of features, the best first: those that say the same as a better one -> that one."""


@dataclass(frozen=True)
class Decision:
    """What becomes of a feature.

    Attributes:
        name: see :mod:`clickthrough.config.origins`.
        kept: whether it stays.
        why: in a few words.
        worth: by how much it lowers the log loss of later impressions, in nats, the mean over
            folds.
        spread: the deviation over folds.
        above_noise: its best column's worth, less the best of any on noise.
        gain: share of all gain in training, the mean over folds.
        splits: how often it was split on, the mean over folds.
    """

    name: str
    kept: bool
    why: str
    worth: float
    spread: float
    above_noise: float
    gain: float
    splits: float


def decided(found: Importances, choice: Choice, alike: Alike) -> list[Decision]:
    """Return what becomes of each feature, the most important first.

    Args:
        found: of all candidates.
        choice: how it is decided.
        alike: tells near-duplicates.
    """
    worth = found.worth()
    order = np.argsort(-worth.mean(axis=0), kind="stable").tolist()
    ranked = [found.names[place] for place in order]
    why = _gone(found, choice, ranked)
    stays = choice.stays
    rest = [name for name in ranked if name not in why or name in stays]
    for name, better in alike(rest).items():
        why.setdefault(name, f"says the same as {better}")
    above = found.best() - found.level()
    figures = (worth, above, found.gains(), found.splits())
    means = [own.mean(axis=0).tolist() for own in figures]
    spread = worth.std(axis=0, ddof=1).tolist()
    decisions = []
    for place, name in zip(order, ranked, strict=True):
        own, beyond, gain, splits = (mean[place] for mean in means)
        kept = name in stays or name not in why
        said = (
            _stays(name, choice)
            if name in stays
            else why.get(name, f"{own:.2g} nats an impression")
        )
        decisions.append(Decision(name, kept, said, own, spread[place], beyond, gain, splits))
    return decisions


def _stays(name: str, choice: Choice) -> str:
    return "always stays: --keep" if name in choice.keep else "says how requests are built"


def _gone(found: Importances, choice: Choice, ranked: Sequence[str]) -> dict[str, str]:
    """Return why features go, but for near-duplicates."""
    best = found.best()
    error = best.std(axis=0, ddof=1) / np.sqrt(len(best))
    above = (best.mean(axis=0) - error - found.level()).tolist()
    used = [count > 0 for count in found.splits().sum(axis=0).tolist()]
    often = [share >= _MOST_FOLDS for share in np.mean(best > 0, axis=0).tolist()]
    why: dict[str, str] = {}
    for place, name in enumerate(found.names):
        if name in choice.deny:
            why[name] = "never stays: --deny"
        elif not used[place]:
            why[name] = "no tree of any fold uses it"
        elif above[place] <= 0:
            why[name] = f"does not surely rise above noise: {-above[place]:.2g} nats are missing"
        elif not often[place]:
            why[name] = "lowers the loss of too few folds"
    left = [name for name in ranked if name not in why]
    most = _most(len(found.names), choice)
    for name in left[most:]:
        why[name] = f"not among the best {most}"
    return why


def _most(candidates: int, choice: Choice) -> int:
    """Return how many may stay: the smaller number where both are given."""
    most = candidates if choice.top is None else choice.top
    if choice.percentile is not None:
        most = min(most, max(1, ceil(candidates * (100 - choice.percentile) / 100 - 1e-9)))
    return most
