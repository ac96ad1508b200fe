"""Widths of embeddings, where the configuration leaves them to the log."""

from pathlib import Path

import numpy as np
import pytest

from clickthrough.bundle.load import load_bundle
from clickthrough.bundle.module import load_module
from clickthrough.config.load import parse_config
from clickthrough.config.model import Mlp
from clickthrough.config.root import Config
from clickthrough.errors import ConfigError
from clickthrough.training.run import Begin, train
from clickthrough.training.widths import automatic_width
from tests.logs import make_values


def test_more_ids_are_wider_and_rarer_ones_narrower() -> None:
    often = 1e12
    widths = [automatic_width(ids, often) for ids in (2, 1_000, 10_000, 1_000_000, 10**8)]
    assert widths == [32, 32, 64, 128, 128]
    rare = [automatic_width(10**6, 10**6 * each) for each in (1, 40, 60, 100, 1_000)]
    assert rare == [32, 32, 64, 128, 128]
    assert automatic_width(0, 0) == 32


def test_widths_lie_within_their_bounds_and_grow_with_what_is_known() -> None:
    ids = np.logspace(0, 9, 40).astype(int)
    for uses in (1, 10, 1_000):
        widths = [automatic_width(int(n), float(n) * uses) for n in ids]
        assert set(widths) <= {32, 64, 128}
        assert widths == sorted(widths)


def config_with(log_folder: Path, dim: object) -> Config:
    values = make_values(log_folder, epochs=1)
    values["model"]["embedding_dim"] = dim
    return parse_config(values, "test")


def test_a_bundle_says_what_auto_came_to(log_folder: Path, tmp_path: Path) -> None:
    config = config_with(log_folder, "auto")
    train(config, tmp_path / "models", baselines=False)
    bundle = load_bundle(tmp_path / "models")
    assert isinstance(bundle.config.model, Mlp)
    encoder, settled = bundle.encoder, bundle.config.model.embedding_dim
    assert isinstance(settled, dict)
    assert [*settled] == [*encoder.id_sizes, *encoder.bag_shapes]
    assert set(settled.values()) == {32}  # of so small a log
    shapes = [tuple(p.shape) for p in load_module(bundle).table_parameters()]
    assert shapes == [(sum(encoder.id_sizes.values()), 32)]
    again = train(
        config, tmp_path / "on", baselines=False, begin=Begin(resume=True)
    )  # the same configuration, not yet settled
    assert again.epochs


def test_columns_can_be_given_widths_of_their_own(log_folder: Path, tmp_path: Path) -> None:
    config = config_with(log_folder, {"item": 8})
    train(config, tmp_path / "models", baselines=False)
    bundle = load_bundle(tmp_path / "models")
    item = bundle.encoder.id_sizes["item"]
    shapes = [tuple(p.shape) for p in load_module(bundle).table_parameters()]
    assert shapes == [(item, 8), (sum(bundle.encoder.id_sizes.values()) - item, 16)]


def test_a_width_for_a_column_that_is_not_there_is_refused(
    log_folder: Path, tmp_path: Path
) -> None:
    config = config_with(log_folder, {"itme": 8})
    with pytest.raises(ConfigError, match=r"model.embedding_dim: .*'itme'.*'item'"):
        train(config, tmp_path / "models", baselines=False)


def test_widths_that_were_left_to_the_log_must_be_settled() -> None:
    with pytest.raises(ValueError, match="auto is settled on"):
        Mlp(embedding_dim="auto").dims(["item"])
