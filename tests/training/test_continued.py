"""Training that goes on from a bundle: new days, grown vocabularies, old rows kept."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from clickthrough.bundle import layout, load_bundle
from clickthrough.bundle.module import input_shape
from clickthrough.config.load import parse_config
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.data.split import TRAIN, with_part
from clickthrough.errors import ConfigError, DataError
from clickthrough.features.encoding.vocabulary import FIRST_KNOWN, UNSEEN
from clickthrough.models.registry import build_model
from clickthrough.training.continued import Start
from clickthrough.training.prepare import prepare
from clickthrough.training.run import Begin, train
from tests.logs import make_log, make_values, write_log


def config_of(folder: Path, log: pl.DataFrame) -> Config:
    """Write a log; return its configuration."""
    write_log(folder, log)
    values = make_values(folder)
    values["data"]["split"] = {"validation": 0.1, "test": 0.1}
    return parse_config(values, "test")


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Config]:
    """The configuration of a log's first six days, without some ads, and that of all ten."""
    folder = tmp_path_factory.mktemp("days")
    log = make_log(requests=1_500)
    first = log.head(int(log.height * 0.6) // 5 * 5).filter(pl.col("ad") % 4 != 0)
    return config_of(folder / "first", first), config_of(folder / "all", log)


@pytest.fixture(scope="module")
def start(days: tuple[Config, Config], tmp_path_factory: pytest.TempPathFactory) -> Start:
    out = tmp_path_factory.mktemp("bundle") / "first"
    train(days[0], out, baselines=False)
    return Start(load_bundle(out))


def test_only_what_is_new_is_trained_on_and_all_of_it_is_history(
    days: tuple[Config, Config], start: Start
) -> None:
    dataset = open_dataset(days[1].data)
    again, anew = (prepare(dataset, days[1], "live", start=begin) for begin in (start, None))
    rows = with_part(dataset, days[1].data.split).filter(pl.col("part") == TRAIN).collect()
    new = rows.filter(pl.col("time") >= start.since)
    assert 0 < new.height < rows.height
    assert len(again.tables["train"]) == new.height
    assert again.tables["train"].labels.tolist() == new["label"].to_list()
    counted = next(n for n in again.encoder.numeric_names if n.endswith("_impressions"))
    place = again.encoder.numeric_names.index(counted)
    scaler = again.encoder.scalers[counted]
    least = -scaler.mean / scaler.scale
    assert (again.tables["train"].inputs.numeric[:100, place] > least + 1e-3).any()
    for name in ("validation", "test"):
        assert again.tables[name].labels.tolist() == anew.tables[name].labels.tolist()


def test_vocabularies_grow_and_scales_stay(days: tuple[Config, Config], start: Start) -> None:
    old = start.bundle.encoder
    new = prepare(open_dataset(days[1].data), days[1], "live", start=start).encoder
    assert (new.scalers, new.prior) == (old.scalers, old.prior)
    before, after = (set(e.vocabularies["item"].values.tolist()) for e in (old, new))
    assert before < after
    assert all(ad % 4 for ad in before)
    assert any(ad % 4 == 0 for ad in after)


TABLE = "embeddings.0.width_4.table.weight"


def test_every_old_id_keeps_its_row_and_a_new_one_begins_as_unseen(
    days: tuple[Config, Config], start: Start
) -> None:
    old = start.bundle.encoder
    new = prepare(open_dataset(days[1].data), days[1], "live", start=start).encoder
    model = build_model(days[1].model, input_shape(new, days[1].model))
    start.load(model, new)
    weights = load_file(start.bundle.path / layout.WEIGHTS)
    (table,) = model.table_parameters()
    given = weights[TABLE]
    before = after = 0
    for name in old.id_sizes:
        values = new.vocabularies[name].values if name in new.vocabularies else np.zeros(0)
        for place, value in enumerate(values):
            known = int(old.vocabularies[name].encode(values[place : place + 1])[0])
            own = table[after + FIRST_KNOWN + place]
            assert torch.equal(own, given[before + max(known, UNSEEN)]), (name, value)
        assert torch.equal(table[after : after + 2], given[before : before + 2])
        before, after = before + old.id_sizes[name], after + new.id_sizes[name]
    assert (before, after) == (len(given), len(table))
    for name, value in model.state_dict().items():
        if name not in {TABLE, "shift"}:
            assert torch.equal(value, weights[name]), name


def test_a_run_that_goes_on_starts_where_the_other_ended(
    days: tuple[Config, Config], start: Start, tmp_path: Path
) -> None:
    one = days[1].model_copy(update={"training": days[1].training.model_copy(update={"epochs": 1})})
    told = train(one, tmp_path / "on", begin=Begin(start.bundle.path), baselines=False)
    anew = train(one, tmp_path / "anew", baselines=False)
    losses = [run.epochs[0].loss for run in (told, anew)]
    assert losses[0] is not None
    assert losses[1] is not None
    assert losses[0] < losses[1] - 0.005
    assert (
        load_bundle(tmp_path / "on").encoder.id_sizes["item"]
        > start.bundle.encoder.id_sizes["item"]
    )


def test_another_declaration_is_refused(
    days: tuple[Config, Config], start: Start, tmp_path: Path
) -> None:
    model = days[1].model.model_copy(update={"hidden": [9]})
    with pytest.raises(ConfigError, match="another declaration of model"):
        train(days[1].model_copy(update={"model": model}), tmp_path / "x",
              begin=Begin(start.bundle.path))  # fmt: skip
    with pytest.raises(ConfigError, match="another declaration of features"):
        train(days[1].model_copy(update={"features": days[1].features[:-1]}), tmp_path / "x",
              begin=Begin(start.bundle.path))  # fmt: skip


def test_a_log_without_new_days_is_refused(
    days: tuple[Config, Config], start: Start, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="the training period holds no labelled impression after"):
        train(days[0], tmp_path / "x", begin=Begin(start.bundle.path))
