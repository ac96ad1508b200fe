import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.data.simulator.chance import normalized, pick, public_ids, uniform
from clickthrough.data.simulator.texts import LARGEST


@pytest.mark.parametrize("kind", LARGEST)
def test_no_two_things_share_an_id(kind: str) -> None:
    ids = public_ids(np.arange(LARGEST[kind]), LARGEST[kind])
    assert np.array_equal(np.sort(ids), np.arange(1, LARGEST[kind] + 1))


def test_hashes_are_even_and_differ_by_seed_and_salt() -> None:
    numbers = np.arange(100_000)
    drawn = [uniform(numbers, seed, salt) for seed, salt in ((1, 1), (1, 2), (2, 1))]
    for values in drawn:
        tenths = np.bincount((values * 10).astype(np.int64), minlength=10)
        assert tenths == pytest.approx(np.full(10, 10_000), rel=0.05)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert abs(np.corrcoef(drawn[one], drawn[other])[0, 1]) < 0.02


@given(st.lists(st.floats(0.1, 5), min_size=1, max_size=8))
def test_shares_are_picked_as_often_as_they_are_large(weights: list[float]) -> None:
    shares = normalized(weights)
    picked = pick(shares, (np.arange(20_000) + 0.5) / 20_000)
    assert np.bincount(picked, minlength=len(shares)) / 20_000 == pytest.approx(shares, abs=1e-3)
