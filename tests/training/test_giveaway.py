"""Figures too good to be true: what is named, and what is left in peace."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.encoding.scaler import Scaler
from clickthrough.features.encoding.vocabulary import Vocabulary
from clickthrough.features.plan import make_plan
from clickthrough.schema import Schema
from clickthrough.training.giveaway import giveaways, same, telling_columns
from clickthrough.training.prepare import Prepared
from clickthrough.training.rows.table import Table

SCHEMA = Schema(roles={}, fields={"city": "int", "shop": "int", "price": "float", "tags": "ints"})
FEATURES = [
    {"kind": "categorical", "fields": ["city", "shop"]},
    {"kind": "bag", "field": "tags", "length": 2},
    {"kind": "numeric", "fields": "price"},
]
PLAN = make_plan(TypeAdapter(list[Feature]).validate_python(FEATURES), Counters(), SCHEMA, "UTC")
VALUES = 400
WORDS = Vocabulary(np.arange(VALUES))
ENCODER = Encoder(
    PLAN,
    dict.fromkeys(("city", "shop", "tags"), WORDS),
    {"price": Scaler(0.0, -9.0, 9.0, 0.0, 1.0, False)},
    0.1,
)
CLICKED = np.random.default_rng(9).random(VALUES + 2) < 0.1
"""Whether the rows of an id are clicked, where it tells."""


def table(seed: int, tells: str = "", rows: int = 5_000) -> Table:
    """Return rows of which one column tells the click, or none."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(2, VALUES + 2, (rows, 2), np.int32)
    tags = rng.integers(2, VALUES + 2, (rows, 2), np.int32)
    price = rng.normal(size=(rows, 1)).astype(np.float32)
    labels = {
        "": rng.random(rows) < 0.1,
        "city": CLICKED[ids[:, 0]],
        "tags": CLICKED[tags].any(axis=1),
        "price": price[:, 0] < -1.2,
        "price within": np.abs(price[:, 0]) < 0.2,
    }[tells].astype(np.int8)
    inputs = Encoded(ids, price, tags, np.full((rows, 2), 0.5, np.float32))
    return Table(inputs, labels, np.arange(0, rows + 1, 5), {})


def prepared(train: Table, validation: Table, test: Table) -> Prepared:
    return Prepared(ENCODER, SCHEMA, {"train": train, "validation": validation, "test": test})


@pytest.mark.parametrize(
    ("tells", "named"),
    [
        ("city", ["city"]),
        ("tags", ["tags_bag"]),
        ("price", ["price"]),
        ("price within", ["price"]),
        ("", []),
    ],
)
def test_a_column_that_tells_the_label_alone_is_named(tells: str, named: list[str]) -> None:
    assert telling_columns(ENCODER, table(1, tells, 20_000), table(2, tells)) == named


def test_values_that_only_the_test_part_holds_tell_nothing() -> None:
    train = table(1, "city", 20_000)
    train.inputs.ids[:, 0] = 1
    assert telling_columns(ENCODER, train, table(2, "city")) == []


def said(tells: str, auc: float | None, rows: int = 5_000) -> list[str]:
    parts = table(1, tells, 20_000), table(2, tells), table(3, tells, rows)
    return giveaways(prepared(*parts), auc)


def test_an_auc_that_is_too_good_is_told_with_the_columns_that_reach_it() -> None:
    clicks = table(3, "city").labels.sum()
    line = f"AUC 1.0000 on {clicks} clicks: such a log mostly gives its label away"
    assert said("city", 1.0) == [f"{line}; columns that alone reach 0.99: city"]
    assert said("", 0.9951)[0].startswith("AUC 0.9951 on ")
    assert said("", 0.9951)[0].endswith("its label away")


def test_a_column_is_named_where_the_model_does_not_follow_it() -> None:
    line = "columns that alone reach 0.99: city; such columns mostly give the label away"
    assert said("city", 0.7) == [f"AUC: {line}"]


@pytest.mark.parametrize("auc", [0.5, 0.93, None])
def test_an_ordinary_log_is_left_in_peace(auc: float | None) -> None:
    assert said("", auc) == []


def test_of_a_handful_of_clicks_nothing_is_told() -> None:
    assert said("city", 1.0, rows=50) == []


def test_a_validation_part_that_is_the_test_part_is_told() -> None:
    parts = table(1), table(2), table(2)
    assert giveaways(prepared(*parts), 0.6) == [
        "the validation part and the test part hold the same rows"
    ]


def _without(labels: NDArray[np.int8]) -> NDArray[np.int8]:
    made = labels.copy()
    made[7] = 1 - made[7]
    return made


def test_parts_are_the_same_only_with_all_labels_ids_and_numbers() -> None:
    one, other = table(2), table(2)
    assert same(one, other, ENCODER)
    assert not same(one, replace(other, labels=_without(other.labels)), ENCODER)
    other.inputs.ids[9, 1] += 1
    assert not same(one, other, ENCODER)
    other.inputs.ids[9, 1] -= 1
    other.inputs.numeric[3] += 1
    assert not same(one, other, ENCODER)
    assert not same(one, table(2, rows=4_000), ENCODER)
