"""Ids that are written another way than in the log that a bundle was trained on."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from clickthrough.bundle import load_bundle
from clickthrough.config import Config
from clickthrough.config.load import load_config, with_data
from clickthrough.data.open import open_dataset
from clickthrough.errors import DataError
from clickthrough.init.run import init
from clickthrough.replay import InProcess, replay
from clickthrough.serving.app import create_app
from clickthrough.serving.predictor import Predictor
from clickthrough.training.evaluating.evaluate import evaluate_bundle
from clickthrough.training.run import Begin, train
from tests.whole.logs import ROW, plain
from tests.whole.verbs import SMALL

PREFIXED = pl.lit("u") + pl.col("user_id").cast(pl.String)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Path]:
    """The configuration and the bundle of a log whose ids are numbers."""
    folder = tmp_path_factory.mktemp("first")
    plain().write_parquet(folder / "log.parquet")
    written = init(folder / "log.parquet", folder / "config.yaml")
    config = load_config(written.config, settings=SMALL)
    train(config, folder / "bundle", baselines=False)
    return config, folder / "bundle"


def later(folder: Path, **columns: pl.Expr) -> Path:
    """Write the same log of a week later."""
    frame = plain(seed=1).with_columns(pl.col("time") + timedelta(days=7), **columns)
    frame.write_parquet(folder / "later.parquet")
    return folder / "later.parquet"


def test_texts_that_were_numbers_are_refused_by_all_that_take_a_bundle_and_a_log(
    first: tuple[Config, Path], tmp_path: Path
) -> None:
    config, path = first
    log = later(tmp_path, user_id=PREFIXED)
    bundle, changed = load_bundle(path), with_data(config, log)
    dataset = open_dataset(changed.data)
    says = rf"^{log}: column 'user_id' is of type str, in the log of {path} it was int.*as it was$"
    with pytest.raises(DataError, match=says):
        train(changed, tmp_path / "out", baselines=False, begin=Begin(path))
    with pytest.raises(DataError, match=says):
        evaluate_bundle(bundle, dataset, "live", baselines=False)
    with pytest.raises(DataError, match=says):
        replay(bundle, dataset, InProcess(Predictor.load(path, "memory")))


def test_numbers_of_another_width_are_gone_on_with(
    first: tuple[Config, Path], tmp_path: Path
) -> None:
    config, path = first
    log = later(tmp_path, user_id=pl.col("user_id").cast(pl.UInt8))
    train(with_data(config, log), tmp_path / "out", baselines=False, begin=Begin(path))
    assert load_bundle(tmp_path / "out").schema.fields["user"] == "int"


def test_new_days_without_labels_are_refused(first: tuple[Config, Path], tmp_path: Path) -> None:
    config, path = first
    days = pl.concat([plain(), plain(seed=1).with_columns(pl.col("time") + timedelta(days=7))])
    unknown = ROW.is_between(170, 330)  # all that the bundle has not seen, up to validation
    days = days.with_columns(click=pl.when(~unknown).then("click"))
    days.write_parquet(tmp_path / "log.parquet")
    changed = with_data(config, tmp_path / "log.parquet")
    says = rf"^{tmp_path / 'log.parquet'}: the training period holds no labelled impression after"
    with pytest.raises(DataError, match=says):
        train(changed, tmp_path / "out", baselines=False, begin=Begin(path))


@pytest.fixture(scope="module")
def client(first: tuple[Config, Path]) -> TestClient:
    """The service of the bundle."""
    return TestClient(create_app(first[1], "memory"))


def scored(client: TestClient, item: object) -> tuple[int, object]:
    row = {"user_id": 3, "item_id": item, "slot": "a", "price": 1.5, "time": "2024-01-02T00:00:00Z"}
    answer = client.post("/predict", json={"impressions": [row]})
    found = answer.json()
    return answer.status_code, found.get("detail") or found["predictions"][0]["probability"]


@pytest.mark.parametrize("written", [105.0, "105", "105.0", " 105 "])
def test_a_whole_number_is_the_same_however_it_is_sent(client: TestClient, written: object) -> None:
    assert scored(client, written) == scored(client, 105)
    assert scored(client, 105) != scored(client, 106)


@pytest.mark.parametrize("wrong", [35.5, "35.5", "x", True, [35], 2**63, -(2**63), "9" * 70])
def test_what_is_no_whole_number_is_refused_in_a_line(client: TestClient, wrong: object) -> None:
    status, detail = scored(client, wrong)
    assert status == 422
    assert str(detail).startswith("row 0: field 'item_id': expected a whole number, found ")
    assert "\n" not in str(detail)
