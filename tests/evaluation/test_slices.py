import math

import numpy as np

from clickthrough.evaluation.metrics import all_metrics
from clickthrough.evaluation.slices import Slice, sliced

RNG = np.random.default_rng(5)
OFFSETS = np.arange(0, 401, 4)
TRUTH = RNG.uniform(0.05, 0.6, 400)
LABELS = (RNG.random(400) < TRUTH).astype(np.int8)
PREDICTIONS = {"model": np.clip(TRUTH + RNG.normal(0, 0.1, 400), 0.01, 0.99), "truth": TRUTH}


def test_a_slice_of_whole_requests_has_every_metric_of_its_rows() -> None:
    halves = Slice(("first", "second"), (np.arange(400) >= 160).astype(np.int64))
    found = sliced(LABELS, OFFSETS, PREDICTIONS, halves, TRUTH)
    rows = slice(160, 400)
    assert list(found) == ["first", "second"]
    assert found["second"]["impressions"] == 240
    assert found["second"]["clicks"] == LABELS[rows].sum()
    for name, p in PREDICTIONS.items():
        expected = all_metrics(LABELS[rows], p[rows], np.arange(0, 241, 4), TRUTH[rows])
        assert found["second"]["results"][name] == expected


def test_requests_that_alternate_are_put_together_again() -> None:
    odd = np.repeat(np.arange(100) % 2, 4)
    found = sliced(LABELS, OFFSETS, PREDICTIONS, Slice(("even", "odd"), odd))
    rows = odd == 1
    expected = all_metrics(LABELS[rows], PREDICTIONS["model"][rows], np.arange(0, 201, 4))
    assert found["odd"]["results"]["model"] == expected


def test_a_slice_that_cuts_through_requests_has_no_metric_of_their_order() -> None:
    place = np.arange(400) % 4
    names = ("1", "2", "3", "4", "(other)")
    found = sliced(LABELS, OFFSETS, PREDICTIONS, Slice(names, place), TRUTH)
    assert list(found) == ["1", "2", "3", "4"]  # a part without rows is left out
    rows = place == 2
    expected = all_metrics(LABELS[rows], TRUTH[rows], np.arange(101), TRUTH[rows])
    for name, value in found["3"]["results"]["truth"].items():
        if name in ("request_auc", "map_at_12", "ndcg"):
            assert math.isnan(value)
        else:
            assert value == expected[name]


def test_one_row_apart_from_its_request_is_enough_to_cut() -> None:
    codes = np.zeros(400, np.int64)
    codes[7] = 1
    found = sliced(LABELS, OFFSETS, PREDICTIONS, Slice(("most", "one"), codes))
    assert math.isnan(found["most"]["results"]["model"]["map_at_12"])
    codes[4:8] = 1
    found = sliced(LABELS, OFFSETS, PREDICTIONS, Slice(("most", "one"), codes))
    assert 0 < found["most"]["results"]["model"]["map_at_12"] < 1
