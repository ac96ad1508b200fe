from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clickthrough.alone import alone
from clickthrough.bundle import Bundle, load_bundle
from clickthrough.config import Config
from clickthrough.data.open import open_dataset
from clickthrough.errors import ClickthroughError, ConfigError, DataError
from clickthrough.training.evaluating.evaluate import evaluate_bundle
from clickthrough.training.run import Begin, train
from clickthrough.training.told import Told
from tests.logs import make_config, make_log, make_values, write_log

METRICS = {
    "auc",
    "request_auc",
    "map_at_12",
    "ndcg",
    "log_loss",
    "normalized_entropy",
    "calibration_ratio",
    "ece",
}
RATES = {"smoothed item rate", "sum of rates"}
BASELINES = {"constant", "logistic regression", "LightGBM"} | RATES


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def compared(config: Config, tmp_path_factory: pytest.TempPathFactory, said: list[str]) -> Bundle:
    """A run with its baselines."""
    path = tmp_path_factory.mktemp("run") / "bundle"
    run = train(config, path, Told(say=said.append))
    loaded = load_bundle(path)
    assert loaded.manifest == run.manifest
    assert loaded.metrics == run.metrics
    return loaded


def test_a_run_learns_what_was_planted(bundle: Bundle) -> None:
    results = bundle.metrics["test"]["results"]
    assert set(results) == {"mlp"}
    assert results["mlp"]["auc"] > 0.65
    assert results["mlp"]["request_auc"] > 0.6
    assert results["mlp"]["normalized_entropy"] < 0.97
    assert results["mlp"]["calibration_ratio"] == pytest.approx(1.0, abs=0.2)


def test_baselines_stand_in_the_record_when_asked_for(compared: Bundle) -> None:
    record = compared.metrics["test"]
    assert set(record["results"]) == {"mlp"} | BASELINES
    assert all(set(metrics) == METRICS for metrics in record["results"].values())
    assert record["counters"] == "live"
    assert record["impressions"] == pytest.approx(1_200, abs=5)
    assert record["results"]["constant"]["auc"] == 0.5
    for name in {"mlp"} | BASELINES - {"constant"}:
        assert record["results"][name]["auc"] > 0.6
        assert record["results"][name]["log_loss"] < record["results"]["constant"]["log_loss"]


def test_the_record_holds_every_epoch(bundle: Bundle) -> None:
    epochs = bundle.metrics["epochs"]
    assert [epoch["number"] for epoch in epochs] == [1, 2, 3]
    assert epochs[0]["loss"] > epochs[-1]["loss"]


def test_evaluating_the_bundle_again_says_the_same(bundle: Bundle, config: Config) -> None:
    dataset = open_dataset(config.data)
    again = evaluate_bundle(bundle, dataset, "live", baselines=False)
    then = bundle.metrics["test"]["results"]["mlp"]
    assert again["results"]["mlp"] == pytest.approx(then, abs=1e-9)
    frozen = evaluate_bundle(bundle, dataset, "frozen", baselines=False)
    assert frozen["counters"] == "frozen"
    assert frozen["results"]["mlp"]["log_loss"] != pytest.approx(then["log_loss"], abs=1e-6)


def test_a_run_says_what_it_read_and_how_it_ended(compared: Bundle, said: list[str]) -> None:
    text = "\n".join(said)
    assert "6,000 impressions in 1,200 requests" in text
    assert "best is" in text


def test_a_seed_gives_the_same_bundle_again(compared: Bundle, bundle: Bundle) -> None:
    other = compared.metrics["test"]["results"]["mlp"]
    assert other == pytest.approx(bundle.metrics["test"]["results"]["mlp"], abs=1e-6)
    for name, snapshot in bundle.snapshots.items():
        assert np.array_equal(snapshot.digests, compared.snapshots[name].digests)
        assert np.array_equal(snapshot.values, compared.snapshots[name].values)


def test_a_log_without_a_test_part_makes_a_bundle_without_its_metrics(tmp_path: Path) -> None:
    write_log(tmp_path, make_log(requests=200))
    values = make_values(tmp_path, epochs=1)
    values["data"]["split"] = {"validation": 0.2, "test": None}
    config = Config.model_validate(values)
    run = train(config, tmp_path / "bundle")
    assert "test" not in run.metrics
    made = load_bundle(tmp_path / "bundle")
    with pytest.raises(DataError, match="no test part"):
        evaluate_bundle(made, open_dataset(config.data), "live")


def test_a_test_part_without_labels_makes_a_bundle_without_its_metrics(tmp_path: Path) -> None:
    log = make_log(requests=200)
    late = pl.int_range(pl.len()) >= 800
    write_log(tmp_path, log.with_columns(clicked=pl.when(~late).then("clicked")))
    config = make_config(tmp_path, epochs=1)
    run = train(config, tmp_path / "bundle")
    assert "test" not in run.metrics
    made = load_bundle(tmp_path / "bundle")
    with pytest.raises(DataError, match="no impression of the test part has a label"):
        evaluate_bundle(made, open_dataset(config.data), "live")


def test_a_feature_of_a_column_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    write_log(tmp_path, make_log(requests=50))
    values = make_values(tmp_path)
    values["features"][0]["fields"] = ["platfrom"]
    with pytest.raises(ConfigError, match="unknown field 'platfrom'; did you mean 'platform'"):
        train(Config.model_validate(values), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_one_clicked_log_trains_without_a_failure(tmp_path: Path) -> None:
    """A log in which every impression of the test part has the same label still has metrics."""
    log = make_log(requests=200)
    zero = log.with_columns(clicked=log["clicked"] * (np.arange(log.height) < 800))
    write_log(tmp_path, zero)
    run = train(make_config(tmp_path, epochs=1), tmp_path / "bundle", baselines=False)
    assert run.metrics["test"]["results"]["mlp"]["auc"] is None
    text = (tmp_path / "bundle" / "metrics.json").read_text()
    assert "NaN" not in text  # JSON has no word for it, and strict readers refuse it
    assert load_bundle(tmp_path / "bundle").manifest == run.manifest


def test_a_run_that_knows_nothing_but_a_list_learns_beside_its_baselines(tmp_path: Path) -> None:
    log = make_log(requests=600)
    write_log(tmp_path, log.with_columns(topics=pl.format("all ad{}", pl.col("ad"))))
    values = make_values(tmp_path, epochs=5)
    values["data"]["lists"] = {"topics": {}}
    values["features"] = [{"kind": "bag", "field": "topics", "length": 2}]
    run = train(Config.model_validate(values), tmp_path / "bundle")
    results = run.metrics["test"]["results"]
    assert results["mlp"]["auc"] > 0.6
    assert set(results) == {"mlp"} | BASELINES - {"sum of rates"}
    assert all(metrics["auc"] > 0.6 for name, metrics in results.items() if name != "constant")


def test_a_place_where_another_run_works_is_refused_before_the_work(
    config: Config, tmp_path: Path
) -> None:
    nowhere = config.data.model_copy(update={"path": [tmp_path / "no.csv"]})
    unread = config.model_copy(update={"data": nowhere})
    for begin in (Begin(), Begin(resume=True)):
        with (
            alone(tmp_path / "bundle"),
            pytest.raises(ClickthroughError, match="bundle: another run works on it, process"),
        ):
            train(unread, tmp_path / "bundle", begin=begin)
    assert [*tmp_path.iterdir()] == []
