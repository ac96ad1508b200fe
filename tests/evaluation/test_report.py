import json
from datetime import datetime

import numpy as np
import pytest

from clickthrough.config.evaluation import Evaluation
from clickthrough.evaluation.bootstrap import resampled
from clickthrough.evaluation.metrics import all_metrics
from clickthrough.evaluation.report import evaluation, with_intervals, with_slices
from clickthrough.evaluation.slices import Slice

LABELS = np.array([0, 1, 0, 1, 0, 0], np.int8)
OFFSETS = np.array([0, 2, 6])
PREDICTIONS = {
    "model": np.array([0.1, 0.6, 0.2, 0.7, 0.1, 0.3]),
    "constant": np.full(6, 1 / 3),
}
RNG = np.random.default_rng(3)
TRUTH = RNG.uniform(0.05, 0.5, 600)
CLICKS = (RNG.random(600) < TRUTH).astype(np.int8)
REQUESTS = np.arange(0, 601, 5)
KNOWN = {
    "model": np.clip(TRUTH + RNG.normal(0, 0.05, 600), 0.01, 0.99),
    "smoothed item rate": np.clip(TRUTH + RNG.normal(0, 0.3, 600), 0.01, 0.99),
    "truth": TRUTH,
}
SETTINGS = Evaluation(bootstrap=40, confidence=0.8, seed=3)


def test_an_evaluation_says_what_was_evaluated_and_every_metric_of_every_name() -> None:
    record = evaluation(LABELS, OFFSETS, PREDICTIONS, "frozen", ["a note"])
    assert record["counters"] == "frozen"
    assert (record["impressions"], record["requests"], record["clicks"]) == (6, 2, 2)
    assert record["notes"][-1] == "a note"
    assert record["notes"][0] == "2 clicks in the test part: these figures mean nothing"
    assert list(record["results"]) == ["model", "constant"]
    for name, probabilities in PREDICTIONS.items():
        assert record["results"][name] == all_metrics(LABELS, probabilities, OFFSETS)
    assert datetime.fromisoformat(record["made"]).tzinfo is not None
    assert "gap_closed" not in record


def test_a_record_says_whether_the_model_beats_the_others_and_that_comes_first() -> None:
    record = evaluation(CLICKS, REQUESTS, KNOWN, "live", ["a note"])
    found = with_intervals(record, CLICKS, REQUESTS, KNOWN, SETTINGS)
    said = "by 80% intervals of log loss, model beats every baseline beyond chance"
    assert found["notes"] == [said, "a note"]
    assert record["notes"] == ["a note"]


def test_with_a_truth_every_name_has_its_regret_and_its_share_of_the_gap() -> None:
    record = evaluation(CLICKS, REQUESTS, KNOWN, "live")
    regrets = {name: metrics["regret"] for name, metrics in record["results"].items()}
    assert regrets["truth"] == 0 < regrets["model"] < regrets["smoothed item rate"]
    shares = record["gap_closed"]["truth"]
    assert shares["smoothed item rate"] == {"auc": 0, "request_auc": 0, "map_at_12": 0}
    assert 0.5 < shares["model"]["auc"] < 1.1


def test_intervals_and_paired_differences_come_of_the_same_resamples() -> None:
    record = evaluation(CLICKS, REQUESTS, KNOWN, "live")
    found = with_intervals(record, CLICKS, REQUESTS, KNOWN, SETTINGS)["bootstrap"]
    assert (found["bootstrap"], found["confidence"], found["seed"]) == (40, 0.8, 3)
    samples = {name: resampled(CLICKS, p, REQUESTS, 40, 3, TRUTH) for name, p in KNOWN.items()}
    for name in KNOWN:
        assert list(found["intervals"][name]) == list(record["results"][name])
        for metric, ends in found["intervals"][name].items():
            expected = np.quantile(samples[name][metric], [0.1, 0.9])
            assert ends == pytest.approx(expected)
    assert list(found["differences"]) == ["smoothed item rate", "truth"]
    for other, differences in found["differences"].items():
        for metric, (value, *ends) in differences.items():
            results = record["results"]
            assert value == results["model"][metric] - results[other][metric]
            paired = samples["model"][metric] - samples[other][metric]
            assert ends == pytest.approx(np.quantile(paired, [0.1, 0.9]))
    low, high = found["differences"]["truth"]["auc"][1:]
    apart = [np.subtract(*found["intervals"][name]["auc"][::-1]) for name in ("model", "truth")]
    assert high - low < max(apart)  # what both share cancels


def test_no_resamples_leave_the_record_as_it_is() -> None:
    record = evaluation(CLICKS, REQUESTS, KNOWN, "live")
    off = Evaluation(bootstrap=0)
    assert with_intervals(record, CLICKS, REQUESTS, KNOWN, off) == record


def test_slices_hold_the_model_and_what_it_is_compared_with() -> None:
    record = evaluation(CLICKS, REQUESTS, KNOWN | PREDICTIONS_OF_NO_SLICE, "live")
    place = Slice(("1", "2", "3", "4", "5"), np.arange(600) % 5)
    rows = CLICKS, REQUESTS, KNOWN | PREDICTIONS_OF_NO_SLICE
    found = with_slices(record, *rows, {"position": place})["slices"]["position"]
    assert sum(part["impressions"] for part in found.values()) == 600
    assert sum(part["clicks"] for part in found.values()) == record["clicks"]
    for part in found.values():
        assert list(part["results"]) == ["model", "smoothed item rate", "truth"]
        assert part["results"]["model"]["request_auc"] is None
        assert part["results"]["model"]["log_loss"] > 0
    assert with_slices(record, *rows, {}) == record


PREDICTIONS_OF_NO_SLICE = {"constant": np.full(600, 0.2)}


def test_an_evaluation_survives_json_whatever_is_not_defined() -> None:
    for labels in (LABELS, np.zeros(6, np.int8)):
        rows = labels, OFFSETS, PREDICTIONS
        record = with_intervals(evaluation(*rows, "live"), *rows, SETTINGS)
        record = with_slices(
            record, *rows, {"day": Slice(("a", "b"), np.array([0, 0, 1, 1, 1, 1]))}
        )
        assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["results"]["model"]["map_at_12"] is None
    assert record["bootstrap"]["intervals"]["model"]["auc"] is None
    assert record["bootstrap"]["differences"]["constant"]["map_at_12"] is None
    assert record["bootstrap"]["differences"]["constant"]["log_loss"] is not None
