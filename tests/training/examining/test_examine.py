"""What a report rests on: importance finds what tells, drift what moved, days what happened."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from clickthrough.config import Config
from clickthrough.data.open import open_dataset
from clickthrough.evaluation.metrics import log_loss
from clickthrough.explain.explainer import Explainer
from clickthrough.explain.groups import Groups
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.training.examining.days import by_day
from clickthrough.training.examining.drift import drift, stability
from clickthrough.training.examining.importance import dealt, importance
from tests.explain.players import numbers, of_numbers
from tests.serving.rich import Trained

Floats = NDArray[np.float64]
ROWS = 4_000


class Alone:
    """An explainer of a model of three numbers, of which the last means nothing."""

    def __init__(self) -> None:
        self.groups: Groups = of_numbers(3)
        self.typical = numbers(np.zeros((1, 3)))

    def logits(self, rows: Encoded) -> Floats:
        made: Floats = (rows.numeric @ np.array([2.0, 0.5, 0.0])).astype(np.float64)
        return made

    shares = Explainer.shares
    _typical = Explainer._typical


def clicked(values: Floats, seed: int = 0) -> NDArray[np.int8]:
    chance = 1 / (1 + np.exp(-(values @ [2.0, 0.5, 0.0])))
    return (np.random.default_rng(seed).random(len(values)) < chance).astype(np.int8)


def test_the_more_a_feature_tells_the_more_its_loss_costs() -> None:
    values = np.random.default_rng(1).normal(size=(ROWS, 3))
    found = importance(Alone(), numbers(values), clicked(values))  # type: ignore[arg-type]
    assert [one["feature"] for one in found] == ["x0", "x1", "x2"]
    assert found[0]["log_loss"] > 5 * found[1]["log_loss"] > 0
    for name in ("log_loss", "auc", "reason"):
        assert found[2][name] == pytest.approx(0, abs=1e-12)
    assert found[0]["reason"] == pytest.approx(2 * np.abs(values[::20, 0]).mean(), rel=0.1)
    assert 0 < found[0]["spread"] < found[0]["log_loss"]


@pytest.mark.parametrize("label", [0, 1])
def test_rows_of_one_class_have_no_auc(label: int) -> None:
    values = np.random.default_rng(1).normal(size=(100, 3))
    labels = np.full(100, label, np.int8)
    found = importance(Alone(), numbers(values), labels)  # type: ignore[arg-type]
    assert [one["auc"] for one in found] == [None] * 3
    assert all(np.isfinite(one["log_loss"]) for one in found)


def test_a_features_columns_are_dealt_out_together(trained: Trained) -> None:
    explainer = Explainer.of(trained.bundle, merged=False)
    rows = explainer.typical[np.zeros(6, np.intp)]
    rows.numeric[:] = np.arange(6)[:, None]
    order = np.array([5, 4, 3, 2, 1, 0])
    group = int(explainer.groups.numeric[0])
    mixed = dealt(explainer.groups, group, rows, order).numeric
    own = explainer.groups.numeric == group
    assert (mixed[:, own] == order[:, None]).all()
    assert (mixed[:, ~own] == np.arange(6)[:, None]).all()


def test_what_moved_is_found_and_what_did_not_is_not() -> None:
    rng = np.random.default_rng(2)
    before, after = rng.normal(size=(ROWS, 3)), rng.normal(size=(ROWS, 3))
    after[:, 1] += 1
    found = drift(of_numbers(3), numbers(before), numbers(after))
    assert found[0]["feature"] == "x1"
    assert found[0]["psi"] > 0.5
    assert all(one["psi"] < 0.02 for one in found[1:])
    assert stability(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0


def test_unseen_and_missing_ids_are_told(trained: Trained) -> None:
    explainer = Explainer.of(trained.bundle, merged=False)
    before = explainer.typical[np.zeros(100, np.intp)]
    before.ids[:] = 2
    after = explainer.typical[np.zeros(100, np.intp)]
    after.ids[:25] = 0
    found = {one["feature"]: one for one in drift(explainer.groups, before, after)}
    item = found["categorical(item)"]
    assert (item["missing"], item["unseen"]) == ([0.0, 0.25], [0.0, 0.75])
    assert item["psi"] > 1


def test_days_are_those_of_the_logs_own_zone(config: Config, log_folder: Path) -> None:
    dataset = open_dataset(config.data)
    found = {zone: by_day(dataset, zone) for zone in ("UTC", "Asia/Tokyo")}
    for days in found.values():
        assert sum(day["impressions"] for day in days) == dataset.report.impressions
        assert sum(day["clicks"] for day in days) == dataset.report.clicks
    assert found["UTC"][0]["day"] == "2024-01-01"
    assert found["UTC"] != found["Asia/Tokyo"]


def test_a_loss_is_that_of_the_probability() -> None:
    values = np.random.default_rng(3).normal(size=(ROWS, 3))
    labels = clicked(values)
    whole = log_loss(labels, 1 / (1 + np.exp(-Alone().logits(numbers(values)))))
    assert 0 < whole < 0.7
