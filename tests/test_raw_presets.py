"""Each preset of a raw layout trains and serves: live answers equal the batch side's."""

import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from clickthrough.bundle import load_bundle
from clickthrough.config.data import TabularData
from clickthrough.config.load import load_config
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.errors import ConfigError
from clickthrough.presets.places import logs_at
from clickthrough.replay import InProcess, replay
from clickthrough.schema_file import NAME
from clickthrough.serving.predictor import Predictor
from clickthrough.training.run import Run, train
from tests.raw import (
    write_avazu,
    write_criteo,
    write_movielens,
    write_movielens_1m,
    write_movielens_100k,
)


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
        ("movielens", write_movielens_100k, 1_600),
        ("movielens", write_movielens_1m, 1_600),
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
    assert 0 < run.metrics["test"]["results"][config.model.name]["log_loss"] < 1
    held = {side.form.name: len(side.rows) for side in load_bundle(tmp_path / "bundle").sides}
    joins = config.data.joins if isinstance(config.data, TabularData) else []
    assert list(held) == [join.file.name for join in joins] == list(config.serving.lookup)
    assert all(rows > 1 for rows in held.values())
    assert largest_difference(tmp_path) < 1e-5


@pytest.mark.parametrize(
    ("preset", "write", "name"),
    [
        ("criteo", write_criteo, "any_name.txt"),
        ("criteo", write_criteo, "day_0.gz"),
        ("avazu", write_avazu, "any.csv.gz"),
        ("movielens", write_movielens, "stars.csv"),
        ("movielens", write_movielens_100k, "stars.txt"),
        ("movielens", write_movielens_100k, "stars.data.gz"),
        ("movielens", write_movielens_1m, "stars.dat.gz"),
    ],
)
def test_the_log_of_a_preset_may_have_any_name(
    preset: str, write: Callable[[Path], Path], name: str, tmp_path: Path
) -> None:
    path = write(tmp_path)
    usual = shortened(load_config(preset, data=path), tmp_path / "cache")
    expected = open_dataset(usual.data).impressions().collect()
    renamed = path.with_name(name)
    content = path.read_bytes()
    renamed.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    path.unlink()
    config = shortened(load_config(preset, data=renamed), tmp_path / "cache")
    assert_frame_equal(open_dataset(config.data).impressions().collect(), expected)
    if "." in name.removesuffix(".gz"):
        assert load_config(preset, data=tmp_path).data == load_config(preset, data=renamed).data


@pytest.mark.parametrize("write", [write_movielens_100k, write_movielens_1m])
def test_older_releases_say_what_the_newer_layout_says(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    (tmp_path / "older").mkdir()
    (tmp_path / "newer").mkdir()
    config = shortened(load_config("movielens", data=write(tmp_path / "older")), tmp_path / "c")
    older = open_dataset(config.data).impressions().collect()
    path = write_movielens(tmp_path / "newer")
    whole = pl.col("rating").ceil()
    pl.read_csv(path).with_columns(whole, pl.col("timestamp") - 90_000_000).write_csv(path)
    config = shortened(load_config("movielens", data=path), tmp_path / "c")
    assert_frame_equal(older, open_dataset(config.data).impressions().collect())
    assert older["genres"].list.len().max() == 3


def test_a_file_of_a_directory_preset_stands_for_its_directory(tmp_path: Path) -> None:
    (tmp_path / "clicks_train.csv").touch()
    config = load_config("outbrain", data=tmp_path / "clicks_train.csv")
    assert config.data.path == tmp_path


def test_several_files_of_other_names_are_told_apart_by_the_user(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "test.csv", "readme.txt"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigError, match=r"expected train\.csv there, found a\.csv, b\.csv"):
        load_config("avazu", data=tmp_path)


@pytest.mark.parametrize("found", ["b.jsonl", "b.ndjson.gz", "b.json", "b.inter", "b.dat", "b.TSV"])
def test_the_only_table_of_a_directory_is_its_log(found: str, tmp_path: Path) -> None:
    for name in (found, "b.user", "b.item", "readme.txt", NAME):
        (tmp_path / name).touch()
    assert logs_at([tmp_path], [Path("elsewhere/a.jsonl")]) == [tmp_path / found]


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
