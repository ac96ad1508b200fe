"""An evaluation as a whole: truth, slices and intervals in one record, on a made-up log."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from clickthrough.bundle import load_bundle
from clickthrough.calibration import Platt
from clickthrough.config import Config
from clickthrough.config.evaluation import Evaluation
from clickthrough.config.load import load_config
from clickthrough.data.open import open_dataset
from clickthrough.data.simulator.plain import write_log
from clickthrough.evaluation.metrics import all_metrics, log_loss
from clickthrough.training.evaluating.evaluate import Scorer, evaluate_bundle, evaluate_prepared
from clickthrough.training.evaluating.scope import Scope
from clickthrough.training.prepare import prepare
from clickthrough.training.run import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with its truth, and an observable part of it, and a bundle trained on it."""
    folder = tmp_path_factory.mktemp("truth")
    config = shortened(load_config(write_log(folder, 15_000)))
    truth = pl.read_parquet(folder / "truth.parquet")
    share = pl.col("probability").mean().over("ad_id")
    truth.with_columns(observable=share).write_parquet(folder / "truth.parquet")
    train(config, folder / "bundle", baselines=False)
    return folder


def shortened(config: Config) -> Config:
    training = config.training.model_copy(update={"epochs": 3})
    evaluation = config.evaluation.model_copy(update={"slices": ["platform"], "bootstrap": 30})
    return config.model_copy(update={"training": training, "evaluation": evaluation})


@pytest.fixture(scope="module")
def record(folder: Path) -> dict[str, Any]:
    bundle = load_bundle(folder / "bundle")
    dataset = open_dataset(bundle.config.data)
    truth = folder / "truth.parquet"
    return evaluate_bundle(bundle, dataset, "live", truth=truth, slices=["topic"])


def test_the_truth_stands_above_everything_and_what_is_observable_below_it(
    record: dict[str, Any],
) -> None:
    results = record["results"]
    assert list(results)[-2:] == ["truth", "observable oracle"]
    for name in results.keys() - {"truth"}:
        assert results["truth"]["request_auc"] > results[name]["request_auc"]
        assert results["truth"]["map_at_12"] > results[name]["map_at_12"]
        assert results[name]["regret"] > 0 == results["truth"]["regret"]
    assert results["constant"]["regret"] > results["observable oracle"]["regret"]
    assert list(record["gap_closed"]) == ["truth", "observable oracle"]
    assert record["gap_closed"]["truth"]["smoothed item rate"]["map_at_12"] == 0


def test_the_truth_is_joined_to_its_own_rows(record: dict[str, Any], folder: Path) -> None:
    """Nothing but the true probability of each row has this calibration and this loss."""
    log = pl.read_csv(folder / "log.csv").join(
        pl.read_parquet(folder / "truth.parquet"), on=["display_id", "ad_id"], how="left"
    )
    test = log.sort("time", maintain_order=True).tail(record["impressions"])
    requests = test["display_id"].rle().struct.field("len").to_numpy()
    offsets = np.append(0, np.cumsum(requests)).astype(np.int64)
    expected = all_metrics(test["clicked"].to_numpy(), test["probability"].to_numpy(), offsets)
    for name, value in expected.items():
        assert record["results"]["truth"][name] == pytest.approx(value, abs=1e-12)


def test_every_baseline_has_a_paired_difference(record: dict[str, Any]) -> None:
    differences = record["bootstrap"]["differences"]
    assert list(differences) == list(record["results"])[1:]
    assert {"constant", "sum of rates", "LightGBM", "truth"} < differences.keys()
    for metrics in differences.values():
        assert {"map_at_12", "request_auc", "auc", "log_loss", "regret"} == metrics.keys()
    assert differences["truth"]["auc"][2] < 0 < differences["constant"]["auc"][1]


def test_slices_are_those_of_every_log_of_the_call_and_of_the_configuration(
    record: dict[str, Any],
) -> None:
    slices = record["slices"]
    assert list(slices) == ["item_seen", "user_seen", "day", "position", "topic", "platform"]
    for parts in slices.values():
        assert sum(part["impressions"] for part in parts.values()) == record["impressions"]
        assert sum(part["clicks"] for part in parts.values()) == record["clicks"]
        assert all(part["results"]["truth"]["regret"] == 0 for part in parts.values())
    assert slices["platform"]["mobile"]["results"]["mlp"]["map_at_12"] > 0
    assert slices["position"]["1"]["results"]["mlp"]["map_at_12"] is None
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_training_shows_the_configured_slices_alone(folder: Path) -> None:
    record = load_bundle(folder / "bundle").metrics["test"]
    assert list(record["slices"]) == ["platform"]
    assert record["bootstrap"]["bootstrap"] == 30
    assert record["bootstrap"]["differences"] == {}


def test_new_items_are_the_same_rows_live_and_frozen(folder: Path, record: dict[str, Any]) -> None:
    bundle = load_bundle(folder / "bundle")
    dataset = open_dataset(bundle.config.data)
    frozen = evaluate_bundle(bundle, dataset, "frozen", baselines=False)
    assert "gap_closed" not in frozen
    for value in ("new", "known"):
        live_part, frozen_part = (one["slices"]["item_seen"][value] for one in (record, frozen))
        assert live_part["impressions"] == frozen_part["impressions"]
        loss = live_part["results"]["mlp"]["log_loss"]
        assert frozen_part["results"]["mlp"]["log_loss"] != pytest.approx(loss, abs=1e-6)


def test_a_note_on_live_counters_stands_in_live_records_alone(folder: Path) -> None:
    bundle = load_bundle(folder / "bundle")
    prepared = prepare(open_dataset(bundle.config.data), bundle.config, "live", bundle.encoder)
    scorer = Scorer("mlp", bundle.model, bundle.calibrator)
    scope = Scope(Evaluation(bootstrap=0), baselines=False, live_notes=("too short",))
    live, frozen = (
        evaluate_prepared(prepared, scorer, mode, scope)["notes"] for mode in ("live", "frozen")
    )
    assert live == ["too short", *frozen]


def test_the_log_loss_before_calibration_is_that_of_the_models_own_probabilities(
    folder: Path,
) -> None:
    bundle = load_bundle(folder / "bundle")
    dataset = open_dataset(bundle.config.data)
    test = prepare(dataset, bundle.config, "live", bundle.encoder).tables["test"]
    logits = bundle.model.logits(test.inputs).astype(np.float64)
    own = log_loss(test.labels, 1 / (1 + np.exp(-logits)))
    flat = replace(bundle, calibrator=Platt(slope=0.01, intercept=0.0))
    for each in (bundle, flat):
        found = evaluate_bundle(each, dataset, "live", baselines=False)
        assert found["raw_log_loss"] == pytest.approx(own, abs=1e-9)
    assert bundle.metrics["test"]["raw_log_loss"] == pytest.approx(own, abs=1e-9)
    assert abs(found["results"]["mlp"]["log_loss"] - own) > 0.01
