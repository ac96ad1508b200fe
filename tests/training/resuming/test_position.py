"""The place of a candidate is seen in training, and nowhere else."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clickthrough.bundle import load_bundle
from clickthrough.config.load import parse_config
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.replay import InProcess, replay
from clickthrough.serving.predictor import Predictor
from clickthrough.training.prepare import prepare
from clickthrough.training.recalibrate import asked_for, recalibrate
from clickthrough.training.run import train


def biased_log(requests: int = 6_000) -> pl.DataFrame:
    """Return a log in which what is shown first is clicked more; ad 0 is mostly shown first.

    Ads 0 and 1 are equally good.
    """
    rng = np.random.default_rng(4)
    first = np.where(rng.random(requests) < 0.85, 0, 1)
    ads = np.stack([first, 1 - first], axis=1)
    rate = np.array([0.5, 0.1])
    clicked = (rng.random((requests, 2)) < rate).astype(int)
    return pl.DataFrame(
        {
            "display": np.repeat(np.arange(requests), 2),
            "time": np.repeat(np.arange(requests) * 60, 2),
            "ad": ads.ravel(),
            "clicked": clicked.ravel(),
        }
    )


def config_of(folder: Path, position: bool, at: int = 1) -> Config:
    biased_log().write_csv(folder / "log.csv")
    features: list[dict[str, object]] = [{"kind": "categorical", "fields": ["item"]}]
    return parse_config(
        {
            "data": {
                "reader": "tabular",
                "path": str(folder / "log.csv"),
                "cache": str(folder / "cache"),
                "roles": {
                    "request_id": "display", "time": "time", "item": "ad", "label": "clicked"
                },
                "time": {"unit": "s"},
                "split": {"validation": 0.1, "test": 0.2},
            },
            "features": [*features, {"kind": "position", "at": at}] if position else features,
            "model": {"hidden": [16], "dropout": 0.0},
            "training": {"epochs": 4, "batch_size": 128, "learning_rate": 0.01},
        },
        "test",
    )  # fmt: skip


@pytest.mark.parametrize("at", [1, 3])
def test_places_are_seen_in_training_alone(tmp_path: Path, at: int) -> None:
    config = config_of(tmp_path, position=True, at=at)
    prepared = prepare(open_dataset(config.data), config, "live")
    scaler = prepared.encoder.scalers["position"]

    def seen(part: str) -> list[float]:
        values = prepared.tables[part].inputs.numeric[:, 0] * scaler.scale + scaler.mean
        return [round(float(np.expm1(value)), 3) for value in np.unique(values)]

    assert seen("train") == [1, 2]
    assert seen("validation") == seen("test") == [min(at, 2)]  # no place was further than 2
    assert scaler.mean == pytest.approx(np.log([2, 3]).mean())
    assert not scaler.indicator
    numeric = prepared.watched.inputs.numeric[:, 0]
    assert len(np.unique(numeric)) == 2
    assert np.array_equal(prepared.watched.labels, prepared.tables["validation"].labels)


def test_a_model_that_sees_places_does_not_put_them_down_to_the_ads(tmp_path: Path) -> None:
    gaps = []
    for position in (True, False):
        folder = tmp_path / str(position)
        folder.mkdir()
        config = config_of(folder, position)
        train(config, folder / "bundle", baselines=False)
        predictor = Predictor.load(folder / "bundle")
        ranking = predictor.rank({}, [{"ad": 0}, {"ad": 1}])
        by_ad = {p.item: p.logit for p in ranking.predictions}
        gaps.append(by_ad[0] - by_ad[1])
        bundle = load_bundle(folder / "bundle")
        told = replay(bundle, open_dataset(config.data), InProcess(predictor), requests=50)
        assert told["largest_difference"] < 1e-6
    assert abs(gaps[0]) < 0.25
    assert gaps[1] > 0.9


def test_a_calibration_anew_sees_places_as_training_does(tmp_path: Path) -> None:
    config = config_of(tmp_path, position=True)
    train(config, tmp_path / "bundle", baselines=False)
    bundle = load_bundle(tmp_path / "bundle")
    wanted = asked_for(bundle, "platt", None)
    made = recalibrate(bundle, open_dataset(config.data), wanted, tmp_path / "out")
    trained = bundle.metrics["calibration"]["log_loss"]
    assert made.losses["raw"] == pytest.approx(trained["raw"], abs=1e-6)
