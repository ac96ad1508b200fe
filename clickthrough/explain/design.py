"""Which coalitions of players are valued, and how their values make Shapley values.

Both ways are linear in the values: exact sums over all coalitions, or means over permutations,
each with its reverse. Such a pair is exact where no more than two players act together, and the
shares of any sample add up to the whole (Castro et al., 2009; Mitchell et al., 2022). Where three
act together, the one that stands between the other two gets nothing of it: permutations are chosen
such that each of three stands between the others as often. So chosen, 12 pairs are as near the
exact values as 20 drawn at random.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

MOST_EXACT = 8
"""Players: all of their coalitions are hardly more than a sample of them."""
_SEED = 20_170_503
_MOST_CHOSEN = 16
"""Players: of more, looking at all groups of three would take longer than it is worth."""
_TRIES = 60
"""Permutations from which one is chosen: of 20 the first three reasons agree less often."""


@dataclass(frozen=True)
class Design:
    """Coalitions, and what each counts for each player.

    Attributes:
        members: bool, shape (coalitions, players); the first has none, the last has all.
        weights: float64, shape (players, coalitions); times the values they are the shares.
    """

    members: NDArray[np.bool_]
    weights: NDArray[np.float64]


@lru_cache(maxsize=32)
def design(players: int, pairs: int, most_exact: int = MOST_EXACT) -> Design:
    """Return what is to be valued.

    Args:
        players: how many there are.
        pairs: permutations, each taken forwards and backwards, where there are too many players.
        most_exact: players up to which every coalition is valued.
    """
    return exact(players) if players <= most_exact else sampled(players, pairs)


def exact(players: int) -> Design:
    """Return all coalitions, shape (2 ** players, players)."""
    places = np.arange(2**players)
    members = (places[:, None] >> np.arange(players) & 1).astype(bool)
    sizes = members.sum(axis=1)
    joins = [factorial(size) * factorial(players - 1 - size) for size in range(players)]
    counts = np.array([*joins, 0]) / factorial(players)  # of who joins a coalition of this size
    return Design(members, np.where(members.T, counts[sizes - 1], -counts[sizes]))


def sampled(players: int, pairs: int) -> Design:
    """Return the coalitions of permutations and of their reverses."""
    orders = [order for one in balanced(players, pairs) for order in (one, one[::-1])]
    count, inner = len(orders), players - 1
    members = np.zeros((2 + count * inner, players), bool)
    members[-1] = True
    weights = np.zeros((players, len(members)))
    joined = np.tri(inner, players, dtype=bool)  # the first has one, the last all but one
    for place, order in enumerate(orders):
        own = 1 + place * inner + np.arange(inner)
        members[own[:, None], order] = joined
        rows = [0, *own, len(members) - 1]
        weights[order, rows[1:]] += 1 / count
        weights[order, rows[:-1]] -= 1 / count
    return Design(members, weights)


def balanced(players: int, count: int) -> list[NDArray[np.intp]]:
    """Return permutations in which each of any three stands between the others about as often.

    Of many players they are drawn at random.
    """
    drawn = np.random.default_rng(_SEED)
    if players > _MOST_CHOSEN:
        return [drawn.permutation(players) for _ in range(count)]
    threes = np.array([*combinations(range(players), 3)], np.intp).reshape(-1, 3)
    times = np.zeros(threes.shape, np.int64)
    rows = np.arange(len(threes))
    made = []
    for _ in range(count):
        tried = [drawn.permutation(players) for _ in range(_TRIES)]
        between = [np.argsort(np.argsort(order)[threes], axis=1)[:, 1] for order in tried]
        best = int(np.argmin([times[rows, middle].sum() for middle in between]))
        times[rows, between[best]] += 1
        made.append(tried[best])
    return made
