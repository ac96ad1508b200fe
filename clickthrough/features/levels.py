"""What each rate is smoothed towards: a wider key's rate, which has a wider one in turn.

An ad that was hardly shown is judged by its campaign, a new campaign by its advertiser, and only a
new advertiser by the mean (hierarchical shrinkage, e.g. Agarwal et al., 2010).
"""

from clickthrough.config.features import Counter, Counters, Feature
from clickthrough.errors import ConfigError
from clickthrough.features.columns import KeySet

Level = tuple[KeySet, float]
"""A key, and the weight of what its rate is smoothed towards."""
Levels = dict[str, list[Level]]
"""Key set -> its own level, then the wider ones."""


def rate_levels(features: list[Feature], counters: Counters) -> Levels:
    """Return the levels of every key that has a rate.

    Raises:
        ConfigError: a wider key has no counter, a key is smoothed towards itself, or in two ways.
    """
    rated = [f for f in features if isinstance(f, Counter) and f.of == "impressions"]
    parents, weights = _parents(rated), _weights(rated)
    made: Levels = {}
    for feature in rated:
        chain = _chain(tuple(feature.key), parents, {tuple(f.key) for f in rated})
        made[KeySet(chain[0]).name] = [
            (KeySet(key), weights.get(key, counters.smoothing)) for key in chain
        ]
    return made


def _parents(rated: list[Counter]) -> dict[tuple[str, ...], tuple[str, ...]]:
    made: dict[tuple[str, ...], tuple[str, ...]] = {}
    for feature in rated:
        key, wider = tuple(feature.key), tuple(feature.toward or ())
        if wider and made.setdefault(key, wider) != wider:
            raise ConfigError(
                f"features: counters of {_said(key)} name both {_said(made[key])} and "
                f"{_said(wider)} in 'toward'; a key has one"
            )
    return made


def _weights(rated: list[Counter]) -> dict[tuple[str, ...], float]:
    made: dict[tuple[str, ...], float] = {}
    for feature in rated:
        key, weight = tuple(feature.key), feature.smoothing
        if weight and made.setdefault(key, weight) != weight:
            raise ConfigError(
                f"features: counters of {_said(key)} name both {made[key]:g} and {weight:g} "
                "as 'smoothing'; a key has one"
            )
    return made


def _chain(
    key: tuple[str, ...],
    parents: dict[tuple[str, ...], tuple[str, ...]],
    known: set[tuple[str, ...]],
) -> list[tuple[str, ...]]:
    chain = [key]
    while chain[-1] in parents:
        wider = parents[chain[-1]]
        if wider not in known:
            raise ConfigError(
                f"features: counter of {_said(chain[-1])}: 'toward' names {_said(wider)}, "
                "which has no counter of its own"
            )
        if wider in chain:
            raise ConfigError(f"features: counter of {_said(key)} is smoothed towards itself")
        chain.append(wider)
    return chain


def _said(key: tuple[str, ...]) -> str:
    return f"[{', '.join(key)}]"
