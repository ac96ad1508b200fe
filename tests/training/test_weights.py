"""A weight is as if the impression stood so often."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.config.load import parse_config
from clickthrough.data.open import open_dataset
from clickthrough.errors import ConfigError, DataError
from clickthrough.training.optim.loss import training_loss
from clickthrough.training.prepare import Prepared, prepare
from clickthrough.training.run import train
from tests.logs import make_log, make_values, write_log

ROWS = st.lists(
    st.tuples(st.floats(-5, 5), st.booleans(), st.integers(0, 4)), min_size=1, max_size=30
)


@given(rows=ROWS, pos_weight=st.sampled_from([1.0, 3.0]))
def test_a_weighted_loss_is_that_of_repeated_rows(
    rows: list[tuple[float, bool, int]], pos_weight: float
) -> None:
    columns = zip(*rows, strict=True)
    logits, labels, times = (torch.tensor(list(c), dtype=torch.float64) for c in columns)
    if times.sum() == 0:
        times[0] = 1
    often = times.long()
    expected = training_loss(
        logits.repeat_interleave(often), labels.repeat_interleave(often), None, 0.0, pos_weight
    )
    found = training_loss(logits, labels, None, 0.0, pos_weight, times)
    assert float(found) == pytest.approx(float(expected), rel=1e-9)


def test_a_weighted_click_counts_so_often_in_its_request() -> None:
    logits, labels = torch.tensor([1.0, 0.0, 2.0, 0.0]), torch.tensor([1.0, 0.0, 0.0, 1.0])
    request = torch.tensor([0, 0, 1, 1])
    one, two = -torch.log_softmax(logits[:2], 0)[0], -torch.log_softmax(logits[2:], 0)[1]
    weights = torch.tensor([3.0, 9.0, 9.0, 1.0])
    found = training_loss(logits, labels, request, 1.0, weights=weights)
    assert float(found) == pytest.approx(float((3 * one + two) / 4))


def prepared(folder: Path, weights: pl.Expr, field: str = "price") -> Prepared:
    write_log(folder, make_log().with_columns(weights.alias("price")))
    config = parse_config(make_values(folder, weight=field), "test")
    return prepare(open_dataset(config.data), config, "live")


def test_weights_of_the_training_rows_come_from_a_field(tmp_path: Path) -> None:
    found = prepared(tmp_path, pl.int_range(pl.len()) % 7 / 2)
    weights = found.tables["train"].weights
    assert weights is not None
    assert weights.dtype == np.float32
    assert len(weights) == len(found.tables["train"])
    assert set(np.unique(weights).tolist()) == {0, 0.5, 1, 1.5, 2, 2.5, 3}


@pytest.mark.parametrize(("wrong", "found"), [(pl.lit(None), "nothing"), (pl.lit(-0.5), "-0.5")])
def test_a_weight_that_is_none_is_named(tmp_path: Path, wrong: pl.Expr, found: str) -> None:
    weights = pl.when(pl.int_range(pl.len()) == 17).then(wrong).otherwise(1.0)
    with pytest.raises(DataError, match=rf"row 17: field 'price': expected .*, found {found}"):
        prepared(tmp_path, weights)


@pytest.mark.parametrize("field", ["prise", "platform"])
def test_a_weight_must_be_a_field_of_numbers(tmp_path: Path, field: str) -> None:
    with pytest.raises(ConfigError, match=r"training\.weight: unknown field of numbers"):
        prepared(tmp_path, pl.lit(1.0), field)


@pytest.mark.parametrize(
    ("weight", "least", "most"), [(pl.lit(1.0), 0.3, 1.0), (pl.col("clicked"), 0.0, 0.1)]
)
def test_rows_without_weight_teach_nothing(
    tmp_path: Path, weight: pl.Expr, least: float, most: float
) -> None:
    write_log(tmp_path, make_log().with_columns(weight.cast(pl.Float64).alias("price")))
    values = make_values(tmp_path, weight="price")
    values["features"] = [f for f in values["features"] if "price" not in f.get("fields", [])]
    made = train(parse_config(values, "test"), tmp_path / "bundle", baselines=False)
    loss = made.epochs[-1].loss
    assert loss is not None
    assert least <= loss < most
