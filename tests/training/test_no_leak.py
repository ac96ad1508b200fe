"""Shuffled labels hold nothing to learn: what still finds something has seen the answers."""

from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from clickthrough.config import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.data.split import PARTS, with_part
from clickthrough.evaluation.metrics import auc
from clickthrough.features.fit import fit_encoder
from clickthrough.features.history.stage import HistoryStage
from clickthrough.features.plan import Plan
from clickthrough.training.prepare import feature_rows, plan_of, prepare
from clickthrough.training.rows.table import Table, encode_table
from tests.logs import make_config, make_log, write_log

REQUESTS = 20_000


def made(folder: Path, log: pl.DataFrame) -> tuple[Config, Dataset]:
    write_log(folder, log)
    config = make_config(folder)
    return config, open_dataset(config.data)


@pytest.fixture(scope="module")
def big_log() -> pl.DataFrame:
    return make_log(seed=5, requests=REQUESTS)


@pytest.fixture(scope="module")
def shuffled(
    tmp_path_factory: pytest.TempPathFactory, big_log: pl.DataFrame
) -> tuple[Config, Dataset]:
    labels = np.random.default_rng(9).permutation(big_log["clicked"].to_numpy())
    return made(tmp_path_factory.mktemp("shuffled"), big_log.with_columns(clicked=labels))


def auc_of_trees(tables: dict[str, Table]) -> float:
    """Return the AUC on the test part of trees trained on the training part."""
    x = {
        name: np.concatenate([table.inputs.ids, table.inputs.numeric], axis=1, dtype=np.float64)
        for name, table in tables.items()
    }
    settings = {"objective": "binary", "verbosity": -1, "seed": 7, "num_threads": 1}
    model = lightgbm.train(settings, lightgbm.Dataset(x["train"], tables["train"].labels), 60)
    return auc(tables["test"].labels, np.asarray(model.predict(x["test"])))


def with_history(rows: pl.LazyFrame, plan: Plan, ahead: int, folder: Path) -> pl.DataFrame:
    """Join history in which an impression sees events some ticks before it may.

    Each impression is there twice: once to ask, without its label, and once as an earlier event.
    """
    real = rows.collect()
    early = pl.col("time") - ahead * plan.counters.tick * 1_000_000
    asked = real.with_columns(label=pl.lit(None, pl.Int8))
    events = real.with_columns(early, row=pl.col("row") + real.height)
    path = folder / "doubled.parquet"
    pl.concat([asked, events]).write_parquet(path)
    stage = HistoryStage(folder / "history", path, plan.counters)
    columns = stage.columns(plan.key_sets, plan.sequence_sets)
    made = pl.concat([pl.scan_parquet(path), *columns], how="horizontal").collect()
    return made.head(real.height).with_columns(label=real["label"])


def test_shuffled_labels_cannot_be_predicted(shuffled: tuple[Config, Dataset]) -> None:
    config, dataset = shuffled
    assert auc_of_trees(prepare(dataset, config, "live").tables) == pytest.approx(0.5, abs=0.02)


def test_true_labels_can_be_predicted(tmp_path: Path, big_log: pl.DataFrame) -> None:
    config, dataset = made(tmp_path, big_log)
    assert auc_of_trees(prepare(dataset, config, "live").tables) > 0.65


def test_history_without_a_leak_is_that_of_training(
    shuffled: tuple[Config, Dataset], tmp_path: Path
) -> None:
    config, dataset = shuffled
    plan = plan_of(config, dataset.schema)
    expected = feature_rows(dataset, config, plan, "live").collect()
    found = with_history(with_part(dataset, config.data.split), plan, 0, tmp_path)
    assert_frame_equal(
        found.select(plan.history_columns), expected.select(plan.history_columns), rel_tol=1e-12
    )


def test_a_leak_of_one_tick_would_be_found(
    shuffled: tuple[Config, Dataset], tmp_path: Path
) -> None:
    config, dataset = shuffled
    plan = plan_of(config, dataset.schema)
    rows = with_part(dataset, config.data.split)
    frame = with_history(rows, plan, 1, tmp_path)
    parts = frame.partition_by("part", as_dict=True, maintain_order=True)
    encoder = fit_encoder(plan, dataset.schema, parts[(0,)])
    tables = {
        name: encode_table(parts[(part,)], encoder, dataset.schema)
        for part, name in enumerate(PARTS)
    }
    assert auc_of_trees(tables) > 0.6
