"""Tables that may be absent, and logs that are joined a piece at a time."""

from pathlib import Path

import numpy as np
import pytest

from clickthrough.bundle import load_bundle
from clickthrough.config.load import load_config
from clickthrough.config.root import Config
from clickthrough.data import slices
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.data.outbrain import reader
from clickthrough.data.outbrain.documents import FIELDS
from clickthrough.errors import DataError
from clickthrough.features.absent import VIEWS
from clickthrough.features.plan import Plan, make_plan
from clickthrough.replay import InProcess, replay
from clickthrough.serving.predictor import Predictor
from clickthrough.training.run import train
from tests.data.outbrain.made import (
    OPTIONAL,
    SMALL,
    notes_of,
    opened,
    random_tables,
    rows_of,
    write,
)

NEEDED = [name for name in SMALL if name not in OPTIONAL]


def without(*names: str) -> dict[str, str]:
    return {name: text for name, text in SMALL.items() if name not in names}


def preset_plan(dataset: Dataset) -> Plan:
    config = load_config("outbrain")
    return make_plan(config.features, config.counters, dataset.schema, "UTC")


@pytest.mark.parametrize("table", NEEDED)
def test_a_table_that_is_needed_is_named(tmp_path: Path, table: str) -> None:
    with pytest.raises(DataError, match=rf"lacks {table}: expected {table} as \.csv, \.csv\.zip"):
        opened(write(tmp_path / "log", without(table)))


def test_what_is_no_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: expected a directory with clicks_train"):
        opened(tmp_path / "nowhere")


@pytest.mark.parametrize("table", OPTIONAL)
def test_an_absent_table_is_told_with_what_is_missing(tmp_path: Path, table: str) -> None:
    dataset = opened(write(tmp_path / "log", without(table)))
    lost = [*FIELDS[table], *(f"ad_{name}" for name in FIELDS[table])] if table in FIELDS else []
    (note,) = notes_of(dataset)
    assert note.startswith(f"without {table} there are no ")
    assert all(name in note for name in FIELDS.get(table, [VIEWS]))
    assert sorted(dataset.schema.absent) == sorted(lost or [VIEWS])
    assert set(lost).isdisjoint(rows_of(dataset).columns)
    assert (dataset.views() is None) == (table == "page_views")
    whole = opened(write(tmp_path / "whole")).schema
    assert set(whole.fields) - set(dataset.schema.fields) == set(lost)
    assert whole.absent == []


@pytest.mark.parametrize("table", OPTIONAL)
def test_features_of_an_absent_table_are_left_out_and_no_others(tmp_path: Path, table: str) -> None:
    whole = preset_plan(opened(write(tmp_path / "whole")))
    plan = preset_plan(opened(write(tmp_path / "log", without(table))))
    lost = {c.name for c in whole.numeric} - {c.name for c in plan.numeric}
    lost |= {c.name for c in whole.ids} - {c.name for c in plan.ids}
    kept = {c.name for c in plan.numeric} | {c.name for c in plan.ids}
    assert lost
    words = ("views",) if table == "page_views" else FIELDS[table]
    assert all(any(word in name for word in words) for name in lost)
    if table == "page_views":
        assert not any("views" in name for name in kept)
    else:
        assert set(plan.fields).isdisjoint([*words, *(f"ad_{word}" for word in words)])


def small_training(folder: Path, tables: dict[str, str]) -> Config:
    loaded = load_config("outbrain", data=write(folder / "log", tables))
    data = loaded.data.model_copy(update={"cache": folder / "cache"})
    training = loaded.training.model_copy(update={"epochs": 1, "batch_size": 256})
    model = loaded.model.model_copy(update={"hidden": [8], "embedding_dim": 4})
    return loaded.model_copy(update={"data": data, "training": training, "model": model})


@pytest.mark.parametrize("given", [list(SMALL), NEEDED], ids=["every table", "what is needed"])
def test_the_preset_trains_and_serves(tmp_path: Path, given: list[str]) -> None:
    made = random_tables()
    config = small_training(tmp_path, {name: made[name] for name in given})
    run = train(config, tmp_path / "bundle", baselines=False)
    assert 0 < run.metrics["test"]["results"]["wide_deep"]["log_loss"] < 1
    bundle = load_bundle(tmp_path / "bundle")
    dataset = open_dataset(config.data)
    predictor = Predictor.load(tmp_path / "bundle", "memory")
    if "page_views" not in given:  # pages that are viewed meanwhile are not told to the live path
        told = replay(bundle, dataset, InProcess(predictor), 30)
        assert told["largest_difference"] < 1e-5
    row = {"display_id": 1, "uuid": "u1", "ad_id": 3, "platform": 1, "document_id": 101}
    assert 0 < predictor.predict([row]).predictions[0].probability < 1


def shuffled(text: str) -> str:
    header, *rows = text.splitlines()
    return "\n".join([header, *np.random.default_rng(1).permutation(rows)]) + "\n"


def contents(dataset: Dataset) -> list[object]:
    views = dataset.views()
    assert views is not None
    order = ["time", "request_id", "item"]  # within a request rows keep the order of their file
    return [rows_of(dataset).drop("row").sort(order).rows(), views.collect().rows(), dataset.report]


@pytest.mark.parametrize("most", [1, 7, 100])
def test_a_log_in_pieces_is_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    tables = random_tables(displays=60)
    whole = opened(write(tmp_path / "log", tables))
    monkeypatch.setattr(reader, "_PIECE_ROWS", most)
    monkeypatch.setattr(slices.in_slices, "__defaults__", (most,))
    pieces = opened(tmp_path / "log", tmp_path / "cache of pieces")
    assert len(list((pieces.path / "impressions").iterdir())) > 1
    assert rows_of(pieces).equals(rows_of(whole))
    assert contents(pieces) == contents(whole)
    mixed = tables | {name: shuffled(tables[name]) for name in ("clicks_train", "events")}
    assert contents(opened(write(tmp_path / "mixed", mixed))) == contents(whole)
