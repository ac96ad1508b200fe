"""Each preset of a raw layout trains and serves: live answers equal the batch side's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clickthrough.bundle import load_bundle
from clickthrough.config.load import load_config
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.replay import InProcess, replay
from clickthrough.serving.predictor import Predictor
from clickthrough.training.run import Run, train
from tests.raw import write_avazu, write_criteo, write_movielens


def shortened(config: Config, cache: Path) -> Config:
    """Return a configuration that trains for one epoch, and whose cache is a test's own."""
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"cache": cache}),
            "training": config.training.model_copy(update={"epochs": 1, "batch_size": 256}),
        }
    )


def trained(config: Config, folder: Path) -> Run:
    return train(shortened(config, folder / "cache"), folder / "bundle", baselines=False)


def largest_difference(folder: Path, requests: int = 60) -> float:
    """Push a bundle's test part through the live path; return how far it is from the batch side."""
    bundle = load_bundle(folder / "bundle")
    live = InProcess(Predictor.load(folder / "bundle", "memory"))
    record = replay(bundle, open_dataset(bundle.config.data), live, requests)
    return float(record["largest_difference"])


@pytest.mark.parametrize(
    ("name", "write", "rows"),
    [
        ("criteo", write_criteo, 2_000),
        ("avazu", write_avazu, 3_000),
        ("movielens", write_movielens, 1_600),
    ],
)
def test_a_preset_trains_and_serves_its_raw_layout(
    name: str, write: Callable[[Path], Path], rows: int, tmp_path: Path
) -> None:
    path = write(tmp_path)
    config = load_config(name, data=tmp_path)  # a directory: the preset knows the names of files
    assert load_config(name, data=path) == config
    run = trained(config, tmp_path)
    assert open_dataset(shortened(config, tmp_path / "cache").data).report.impressions >= rows
    assert 0 < run.metrics["test"]["results"]["mlp"]["log_loss"] < 1
    assert largest_difference(tmp_path) < 1e-5


def test_the_criteo_preset_trains_and_serves_the_real_sample(
    real_logs: Path, tmp_path: Path
) -> None:
    run = trained(load_config("criteo", data=real_logs / "criteo/criteo_train.txt"), tmp_path)
    assert run.metrics["test"]["impressions"] == 800
    assert largest_difference(tmp_path) < 1e-5


def test_an_avazu_row_is_scored_as_it_stands_in_the_file(tmp_path: Path) -> None:
    path = write_avazu(tmp_path)
    trained(load_config("avazu", data=path), tmp_path)
    header, row = path.read_text().splitlines()[:2]
    raw = dict(zip(header.split(","), row.split(","), strict=True))
    predictor = Predictor.load(tmp_path / "bundle", "memory")
    (one,) = predictor.predict([raw]).predictions
    assert 0 < one.probability < 1
    (later,) = predictor.predict([raw | {"hour": "2014-10-21T00:00:00Z"}]).predictions
    assert later.probability == one.probability
