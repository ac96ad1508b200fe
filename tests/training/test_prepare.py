from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clickthrough.config import Config
from clickthrough.data.open import open_dataset
from clickthrough.training.prepare import Prepared, prepare, snapshots_before_test
from tests.logs import make_config, write_log


@pytest.fixture(scope="module")
def live(config: Config) -> Prepared:
    return prepare(open_dataset(config.data), config, "live")


@pytest.fixture(scope="module")
def flipped(
    tmp_path_factory: pytest.TempPathFactory, log: pl.DataFrame, live: Prepared
) -> Prepared:
    """The same log, with every label of the test part turned around."""
    folder = tmp_path_factory.mktemp("flipped")
    tests = len(live.tables["test"])
    place = pl.int_range(pl.len()) >= log.height - tests
    changed = log.with_columns(
        pl.when(place).then(1 - pl.col("clicked")).otherwise(pl.col("clicked")).alias("clicked")
    )
    write_log(folder, changed)
    config = make_config(folder)
    return prepare(open_dataset(config.data), config, "live")


def same_inputs(one: Prepared, other: Prepared, part: str) -> bool:
    a, b = one.tables[part].inputs, other.tables[part].inputs
    return np.array_equal(a.ids, b.ids) and np.array_equal(a.numeric, b.numeric)


def test_every_impression_is_in_one_part(live: Prepared, log: pl.DataFrame) -> None:
    assert sum(len(table) for table in live.tables.values()) == log.height
    assert all(table.offsets[-1] == len(table) for table in live.tables.values())
    labels = np.concatenate([live.tables[p].labels for p in ("train", "validation", "test")])
    assert labels.tolist() == log["clicked"].to_list()


def test_features_before_the_test_part_do_not_know_its_labels(
    live: Prepared, flipped: Prepared
) -> None:
    assert flipped.tables["test"].labels.tolist() == (1 - live.tables["test"].labels).tolist()
    assert same_inputs(live, flipped, "train")
    assert same_inputs(live, flipped, "validation")
    assert live.encoder.scalers == flipped.encoder.scalers
    assert live.encoder.prior == flipped.encoder.prior


def test_live_counters_learn_within_the_test_part(live: Prepared, flipped: Prepared) -> None:
    one, other = live.tables["test"].inputs, flipped.tables["test"].inputs
    assert np.array_equal(one.ids, other.ids)
    assert not np.array_equal(one.numeric, other.numeric)


def test_frozen_counters_differ_from_live_ones_in_the_test_part_only(
    config: Config, live: Prepared
) -> None:
    frozen = prepare(open_dataset(config.data), config, "frozen", live.encoder)
    assert same_inputs(live, frozen, "train")
    assert same_inputs(live, frozen, "validation")
    assert np.array_equal(live.tables["test"].inputs.ids, frozen.tables["test"].inputs.ids)
    assert not same_inputs(live, frozen, "test")


def test_frozen_features_do_not_know_the_labels_of_the_test_part(
    config: Config, live: Prepared, tmp_path: Path, log: pl.DataFrame
) -> None:
    write_log(tmp_path, log.with_columns(
        pl.when(pl.int_range(pl.len()) >= log.height - len(live.tables["test"]))
        .then(0).otherwise(pl.col("clicked")).alias("clicked")))  # fmt: skip
    other = make_config(tmp_path)
    a = prepare(open_dataset(config.data), config, "frozen", live.encoder)
    b = prepare(open_dataset(other.data), other, "frozen", live.encoder)
    assert b.tables["test"].labels.sum() == 0 < a.tables["test"].labels.sum()
    assert same_inputs(a, b, "test")


def test_the_encoder_is_fitted_on_the_training_part_alone(
    tmp_path: Path, log: pl.DataFrame, live: Prepared
) -> None:
    trained = len(live.tables["train"])
    later = pl.int_range(pl.len()) >= trained
    changed = log.with_columns(
        pl.when(later).then(pl.col("price") * 100).otherwise(pl.col("price")).alias("price"),
        pl.when(later).then(pl.lit("watch")).otherwise(pl.col("platform")).alias("platform"),
    )
    write_log(tmp_path, changed)
    config = make_config(tmp_path)
    other = prepare(open_dataset(config.data), config, "live")
    assert other.encoder.scalers == live.encoder.scalers
    assert b"watch" not in other.encoder.vocabularies["platform"].values.tolist()


def test_rows_without_a_label_are_left_out_but_stand_beside_the_others(
    tmp_path: Path, log: pl.DataFrame, live: Prepared
) -> None:
    # the first candidate of every request loses its label
    first = pl.int_range(pl.len()) % 5 == 0
    blank = pl.when(~first).then(pl.col("clicked")).alias("clicked")
    write_log(tmp_path, log.with_columns(blank))
    config = make_config(tmp_path)
    found = prepare(open_dataset(config.data), config, "live", live.encoder)
    table, whole = found.tables["test"], live.tables["test"]
    assert np.diff(table.offsets).tolist() == [4] * (len(whole) // 5)
    place = live.encoder.numeric_names.index("request_size")
    assert np.unique(table.inputs.numeric[:, place]).tolist() == (
        np.unique(whole.inputs.numeric[:, place]).tolist()
    )


def test_the_snapshot_ends_where_the_test_part_begins(config: Config, log: pl.DataFrame) -> None:
    dataset = open_dataset(config.data)
    snapshots, until = snapshots_before_test(dataset, config)
    rows = dataset.impressions().collect()
    before = rows.filter(pl.col("time") < until)
    assert before.height == pytest.approx(0.8 * log.height, abs=5)
    assert len(snapshots["item"].digests) == before["item"].n_unique()
    assert len(snapshots["user+item"].digests) == before.select("user", "item").n_unique()
