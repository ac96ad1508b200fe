"""Clicks come from the truth, and the oracle stands between a rate and the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from clickthrough.data.simulator.clicks import draw_clicks, softmax
from clickthrough.data.simulator.world import Block
from clickthrough.evaluation.metrics import log_loss, request_auc
from clickthrough.evaluation.reliability import reliability
from tests.data.simulator.conftest import train_rows

Floats = NDArray[np.float64]
DAY_MS = 86_400_000


def joined(blocks: list[Block], name: str) -> Floats:
    return np.concatenate([getattr(block, name)[train_rows(block)] for block in blocks])


@given(arrays.arrays(np.float64, (4, 3), elements=st.floats(-20, 20)))
def test_softmax_sums_to_one_and_keeps_the_order(utility: Floats) -> None:
    offsets = np.arange(0, 13, 3)
    made = softmax(utility.ravel(), offsets).reshape(4, 3)
    assert made.sum(1) == pytest.approx(np.ones(4))
    for row, probability in zip(utility, made, strict=True):
        order = np.argsort(row)
        assert (np.diff(probability[order]) >= 0).all()


def test_probabilities_are_the_softmax_of_utilities(blocks: list[Block]) -> None:
    for block in blocks:
        offsets = block.shown.offsets
        for name in ("probability", "observable"):
            sums = np.add.reduceat(getattr(block, name), offsets[:-1])
            assert sums == pytest.approx(np.ones(len(sums)))
        assert block.probability == pytest.approx(softmax(block.utility, offsets))


def test_one_click_a_display_by_chance() -> None:
    shares = np.array([0.7, 0.2, 0.1])
    n = 50_000
    clicked = draw_clicks(np.random.default_rng(1), np.tile(shares, n), np.arange(0, 3 * n + 1, 3))
    table = clicked.reshape(n, 3)
    assert (table.sum(1) == 1).all()
    assert table.mean(0) == pytest.approx(shares, abs=4 * np.sqrt(0.25 / n))


def test_clicks_are_as_frequent_as_the_truth_says(blocks: list[Block]) -> None:
    p, clicked = joined(blocks, "probability"), joined(blocks, "clicked")
    bins = np.searchsorted(np.quantile(p, np.linspace(0, 1, 21)[1:-1]), p)
    gap = np.bincount(bins, clicked) - np.bincount(bins, p)
    chi_square = float((gap**2 / np.bincount(bins, p * (1 - p))).sum())
    assert chi_square < 45.3  # 20 bins: more once in a thousand logs


def test_the_oracle_is_about_calibrated(blocks: list[Block]) -> None:
    p, clicked = joined(blocks, "observable"), joined(blocks, "clicked")
    found = reliability(clicked, p)
    # it puts expectations into the softmax, and so is a little too sure of itself
    assert np.abs(found.predicted - found.observed).max() < 0.05


def test_the_oracle_stands_between_an_ad_rate_and_the_truth(blocks: list[Block]) -> None:
    rows = [(block.shown, train_rows(block)) for block in blocks]
    ad = np.concatenate([shown.ads[train] for shown, train in rows])
    each = [
        (shown, np.repeat(np.arange(len(shown.size)), shown.size)[train]) for shown, train in rows
    ]
    time = np.concatenate([shown.time[display] for shown, display in each])
    display = np.concatenate([shown.id[display] for shown, display in each])
    clicked, test = joined(blocks, "clicked"), time >= 11 * DAY_MS
    shown_before, clicks_before = (
        np.bincount(ad[~test], weights, ad.max() + 1) for weights in (None, clicked[~test])
    )
    scores = {
        "rate": ((clicks_before + 4) / (shown_before + 20))[ad],
        "oracle": joined(blocks, "observable"),
        "truth": joined(blocks, "probability"),
    }
    offsets = np.append(np.flatnonzero(np.diff(display[test], prepend=0)), test.sum())
    auc = {name: request_auc(clicked[test], s[test], offsets) for name, s in scores.items()}
    assert auc["rate"] + 0.03 < auc["oracle"] < auc["truth"] - 0.01, auc
    loss = {name: log_loss(clicked[test], scores[name][test]) for name in ("oracle", "truth")}
    assert loss["truth"] < loss["oracle"] < log_loss(clicked[test], np.full(test.sum(), 0.2))
