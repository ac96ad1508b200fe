"""How alike a user is to those who clicked: by hand, and the same to the bit in any company."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.features.encoding.kin import STEP, Kin
from clickthrough.features.encoding.vocabulary import Vocabulary
from clickthrough.schema import MISSING_INT

KIN = Kin(Vocabulary(np.array([10, 20, 30])), np.array([[1, 0], [0.5, 0.5], [0, -1]], np.float32))


def alike(clicked: list[list[int]], size: list[float], own: list[int]) -> list[float]:
    made: list[float] = KIN.alike(np.array(clicked), np.array(size), np.array(own)).tolist()
    return made


def test_it_is_the_sum_of_products_over_a_few_more_than_clicked() -> None:
    assert alike([[10, 20, MISSING_INT]], [2.0], [10]) == [pytest.approx(1.5 / 5)]
    assert alike([[30, 30, 30]], [3.0], [20]) == [pytest.approx(-1.5 / 6)]


def test_nothing_is_known_of_strangers() -> None:
    assert alike([[10], [99], [MISSING_INT]], [1.0, 1.0, 0.0], [99, 10, 10]) == [0, 0, 0]
    assert alike([[10]], [1.0], [MISSING_INT]) == [0]


def test_without_a_key_it_is_missing() -> None:
    assert np.isnan(alike([[MISSING_INT]], [np.nan], [10])).all()


def test_candidates_share_a_user_and_users_those_who_clicked() -> None:
    shared = KIN.alike(np.array([[10], [20]]), np.array([1.0, 1.0]), np.array([10]))
    assert shared.tolist() == alike([[10], [20]], [1.0, 1.0], [10, 10])
    shared = KIN.alike(np.array([[10]]), np.array([1.0]), np.array([10, 30]))
    assert shared.tolist() == alike([[10], [10]], [1.0, 1.0], [10, 30])


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 30))
def test_a_row_is_the_same_to_the_bit_whatever_stands_beside_it(
    seed: int, rows: int, length: int
) -> None:
    rng = np.random.default_rng(seed)
    vectors = np.round(rng.uniform(-1, 1, (8, 16)) / STEP) * STEP
    kin = Kin(Vocabulary(np.arange(8)), vectors.astype(np.float32))
    clicked, own = rng.integers(0, 9, (rows, length)), rng.integers(0, 9, rows)
    size = np.full(rows, float(length))
    together = kin.alike(clicked, size, own)
    order = rng.permutation(length)
    for row in range(rows):
        alone = kin.alike(clicked[row : row + 1, order], size[:1], own[row : row + 1])
        assert alone[0] == together[row]
