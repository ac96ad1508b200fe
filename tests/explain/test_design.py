"""Designs give Shapley values: by their definition, and as samples of permutations must."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.explain.design import MOST_EXACT, balanced, design, exact, sampled

Floats = NDArray[np.float64]


def by_definition(values: dict[int, float], players: int) -> Floats:
    """Return each player's mean gain over all orders in which they can join."""
    gains = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        joined = 0
        for player in order:
            gains[player] += values[joined | 1 << player] - values[joined]
            joined |= 1 << player
    return gains / len(orders)


def values_of(members: NDArray[np.bool_], values: dict[int, float]) -> Floats:
    names = members @ (1 << np.arange(members.shape[1]))
    return np.array([values[int(name)] for name in names])


@given(st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_all_coalitions_give_the_values_of_the_definition(players: int, seed: int) -> None:
    drawn = np.random.default_rng(seed).normal(size=2**players)
    values = dict(enumerate(drawn.tolist()))
    made = exact(players)
    found = made.weights @ values_of(made.members, values)
    np.testing.assert_allclose(found, by_definition(values, players), atol=1e-12)


def worth(members: NDArray[np.bool_], alone: Floats, together: Floats) -> Floats:
    """Return the values of a game in which players act alone and by twos."""
    joined = members.astype(float)
    made: Floats = joined @ alone + np.einsum("ci,ij,cj->c", joined, np.triu(together, 1), joined)
    return made


@given(st.integers(1, 14), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_one_order_and_its_reverse_are_exact_where_players_act_by_twos(
    players: int, pairs: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    alone, together = rng.normal(size=players), rng.normal(size=(players, players))
    made = sampled(players, pairs)
    found = made.weights @ worth(made.members, alone, together)
    upper = np.triu(together, 1)
    np.testing.assert_allclose(found, alone + (upper + upper.T).sum(axis=1) / 2, atol=1e-9)


@given(st.integers(0, 40), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_shares_add_up_whatever_the_values_are(players: int, pairs: int, seed: int) -> None:
    made = design(players, pairs)
    values = np.random.default_rng(seed).normal(size=len(made.members))
    assert not made.members[0].any()
    assert made.members[-1].all()
    total = (made.weights @ values).sum()
    assert total == pytest.approx(values[-1] - values[0], abs=1e-9)


def test_few_players_are_valued_exactly_and_more_by_a_sample_that_stays_the_same() -> None:
    assert len(design(MOST_EXACT, 3).members) == 2**MOST_EXACT
    assert len(design(MOST_EXACT + 1, 3).members) == 2 + 6 * MOST_EXACT
    design.cache_clear()
    before = design(20, 3)
    design.cache_clear()
    np.testing.assert_array_equal(design(20, 3).members, before.members)


def test_each_of_three_stands_between_the_others_about_as_often() -> None:
    def unevenness(orders: list[NDArray[np.intp]]) -> float:
        places = np.array([np.argsort(order) for order in orders])
        threes = np.array([*combinations(range(10), 3)])
        middle = np.argsort(places[:, threes], axis=2)[:, :, 1]
        return float(np.mean([np.bincount(own, minlength=3).var() for own in middle.T]))

    drawn = np.random.default_rng(3)
    random = [unevenness([drawn.permutation(10) for _ in range(12)]) for _ in range(20)]
    assert unevenness(balanced(10, 12)) < 0.6 * min(random)
