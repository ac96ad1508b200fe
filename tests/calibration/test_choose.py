"""How a method is chosen: what is held out, and what counts as chance."""

from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray

from clickthrough.calibration import choose as module
from clickthrough.calibration.base import Curve, Labels, Scores
from clickthrough.calibration.choose import choose
from clickthrough.calibration.isotonic import Isotonic
from clickthrough.calibration.platt import Platt
from clickthrough.calibration.rows import Rows
from clickthrough.calibration.temperature import Temperature

Floats = NDArray[np.float64]
SIZES = np.random.default_rng(2).integers(1, 9, 50)
REQUESTS = np.repeat(np.arange(50), SIZES)
ROWS = Rows(np.arange(len(REQUESTS), dtype=np.float64), np.arange(len(REQUESTS)) % 2, REQUESTS)
"""The score of a row is its place."""


def test_each_fold_is_a_block_of_whole_requests_held_out_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[set[int]] = []

    class Spy(Platt):
        @classmethod
        def fit(cls, logits: Scores, labels: Labels) -> Self:
            assert np.array_equal(labels, logits.astype(int) % 2)
            held.append(set(range(len(ROWS))) - set(logits.astype(int).tolist()))
            return cls(slope=1.0, intercept=0.0)

    monkeypatch.setattr(module, "CURVES", {"platt": Spy})
    choose(ROWS)
    assert len(held) == 5
    assert sorted(row for fold in held for row in fold) == list(range(len(ROWS)))
    for fold in held:
        assert max(fold) - min(fold) + 1 == len(fold)
        assert len({REQUESTS[row] for row in fold}) == 10
        assert sum(SIZES[list({REQUESTS[row] for row in fold})]) == len(fold)


def chosen(monkeypatch: pytest.MonkeyPatch, gains: Floats) -> str:
    """Choose where a temperature's losses are lower than Platt's by so much, row by row."""

    def losses(curve: type[Curve], rows: Rows, fold: object) -> Floats:
        del fold
        return np.ones(len(rows)) - (gains if curve is Temperature else 0.0)

    monkeypatch.setattr(module, "cross_fitted", losses)
    monkeypatch.setattr(module, "CURVES", {"platt": Platt, "temperature": Temperature})
    return choose(Rows(np.zeros(2_000), np.arange(2_000) % 2, np.repeat(np.arange(40), 50)))


def test_the_rows_of_a_request_are_not_taken_for_independent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    each = np.where(np.arange(40) % 2, 1.0, -0.7)
    gains = np.repeat(each, 50)
    assert gains.mean() > 2 * gains.std() / np.sqrt(len(gains))
    assert each.mean() < 2 * each.std() / np.sqrt(len(each))
    assert chosen(monkeypatch, gains) == "platt"


def test_a_gain_beyond_chance_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    gains = np.repeat(np.where(np.arange(40) % 2, 1.0, -0.1), 50)
    assert chosen(monkeypatch, gains) == "temperature"
    assert chosen(monkeypatch, -gains) == "platt"
    assert chosen(monkeypatch, np.zeros(2_000)) == "platt"


@pytest.mark.parametrize(("clicks", "found"), [(99, "platt"), (100, "isotonic")])
def test_few_rows_of_a_class_are_no_choice(
    clicks: int, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much better the other map looks on them."""

    def losses(curve: type[Curve], rows: Rows, fold: object) -> Floats:
        del fold
        return np.full(len(rows), 0.5 if curve is Isotonic else 1.0)

    monkeypatch.setattr(module, "cross_fitted", losses)
    labels = (np.arange(2_000) < clicks).astype(np.int8)
    for each in (labels, 1 - labels):
        assert choose(Rows(np.zeros(2_000), each, np.arange(2_000))) == found


def test_a_choice_among_many_rows_looks_at_whole_requests_of_all_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[Rows] = []

    def losses(curve: type[Curve], rows: Rows, fold: object) -> Floats:
        del curve, fold
        looked.append(rows)
        return np.zeros(len(rows))

    monkeypatch.setattr(module, "cross_fitted", losses)
    monkeypatch.setattr(module, "_MOST_ROWS", 700)
    place = np.arange(2_000)
    choose(Rows(place.astype(np.float64), place % 2, place // 10))
    rows = looked[0]
    assert 600 <= len(rows) <= 700
    assert np.array_equal(np.unique(rows.requests), np.arange(len(rows) // 10))
    requests = rows.logits.astype(int) // 10
    assert np.array_equal(np.unique(requests, return_counts=True)[1], np.full(len(rows) // 10, 10))
    assert requests.min() < 10
    assert requests.max() > 190
