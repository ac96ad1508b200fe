"""A model on frames that it was not fitted to."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from clickthrough import ClickClassifier, ClickModel, fit, load
from tests.api.conftest import QUICK
from tests.logs import make_log


@pytest.fixture(scope="module")
def timeless(log: pl.DataFrame) -> ClickModel:
    """A model of a log that knows no times; no test may change it."""
    columns = ["platform", "price", "clicked"]
    return fit(log[columns], "clicked", set=QUICK, baselines=False)


def test_later_days_are_evaluated_as_a_whole_from_the_models_counters(
    log: pl.DataFrame, model: ClickModel
) -> None:
    until = model.bundle.manifest.counters_until
    later = log.filter(pl.col("ts") >= until)
    assert 0 < len(later) < len(log)
    found, whole = model.evaluate(later), model.evaluate()
    name = model.bundle.config.model.name
    assert found["impressions"] == len(later) == whole["impressions"]
    assert found["results"][name] == whole["results"][name]
    assert any("comes after" in note or "after the bundle's" in note for note in found["notes"])


def test_another_log_without_times_is_one_part(log: pl.DataFrame, timeless: ClickModel) -> None:
    other = make_log(seed=5, requests=200)[["platform", "price", "clicked"]]
    found = timeless.evaluate(other)
    assert found["impressions"] == len(other)
    assert any("knows no times" in note for note in found["notes"])
    own = timeless.evaluate(log[["platform", "price", "clicked"]])
    assert own["impressions"] == timeless.evaluate()["impressions"] < len(log)


def test_frozen_counters(log: pl.DataFrame, model: ClickModel) -> None:
    name = model.bundle.config.model.name
    frozen, live = (
        model.evaluate(log, counters=mode, baselines=False) for mode in ("frozen", "live")
    )
    assert frozen["counters"] == "frozen"
    assert frozen["results"][name] != live["results"][name]


def test_a_bundle_of_an_estimator_is_evaluated_on_later_days(
    log: pl.DataFrame, tmp_path: Path
) -> None:
    first = log.filter(pl.col("ts") < log["ts"][4_000])
    names: dict[str, Any] = {"request_id": "display_id", "time": "ts", "user": "uuid", "item": "ad"}
    made = ClickClassifier("lr", set=QUICK, **names).fit(first.drop("clicked"), first["clicked"])
    model = load(made.save(tmp_path / "bundle"))
    later = log.filter(pl.col("ts") >= log["ts"][4_000])
    assert model.evaluate(later)["impressions"] == len(later)
