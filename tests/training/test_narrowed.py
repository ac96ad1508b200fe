"""Data with fewer features, and data from disk, are those that preparing anew would make."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clickthrough.config.load import parse_config
from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.data.split import TRAIN, VALIDATION
from clickthrough.errors import ConfigError
from clickthrough.training.narrowed import check_features, narrowed, with_features
from clickthrough.training.prepare import Prepared, prepare
from clickthrough.training.rows.table import Table
from clickthrough.tuning import stored
from tests.logs import make_values

FEATURES: list[dict[str, Any]] = [
    {"kind": "sequence", "key": "user", "field": "item", "length": 4},
    {"kind": "match", "key": "user", "fields": ["item", "platform"], "length": 6},
    {"kind": "position"},
]


@pytest.fixture(scope="module")
def whole(log_folder: Path) -> Config:
    values = make_values(log_folder)
    return parse_config(values | {"features": values["features"] + FEATURES}, "test")


@pytest.fixture(scope="module")
def prepared(whole: Config) -> Prepared:
    return of(whole)


def of(config: Config) -> Prepared:
    return prepare(open_dataset(config.data), config, "live", parts=(TRAIN, VALIDATION))


def check_same_table(found: Table, wanted: Table) -> None:
    for name, array in wanted.inputs.arrays().items():
        np.testing.assert_array_equal(found.inputs.arrays()[name], array)
        assert found.inputs.arrays()[name].dtype == array.dtype
    np.testing.assert_array_equal(found.labels, wanted.labels)
    np.testing.assert_array_equal(found.offsets, wanted.offsets)
    assert set(found.rates) == set(wanted.rates)
    for name, rate in wanted.rates.items():
        np.testing.assert_array_equal(found.rates[name], rate)


def check_same(found: Prepared, wanted: Prepared) -> None:
    assert found.encoder.slots == wanted.encoder.slots
    assert found.encoder.plan == wanted.encoder.plan
    assert found.encoder.prior == wanted.encoder.prior
    assert set(found.tables) == set(wanted.tables)
    for name, table in wanted.tables.items():
        check_same_table(found.tables[name], table)
    assert (found.seen is None) == (wanted.seen is None)
    if found.seen is not None and wanted.seen is not None:
        check_same_table(found.seen, wanted.seen)


@pytest.mark.parametrize(
    "drop",
    [
        [],
        ["categorical(platform)"],
        ["categorical(item)", "sequence(user:item)"],
        ["counter(item)", "age(item)"],
        ["counter(user)", "time(hour)", "numeric(price)"],
        ["match(user:item)", "position", "request_size"],
        ["counter(user+item)", "counter(user)", "counter(item)", "sequence(user:item)"],
    ],
)
def test_fewer_features_are_as_if_prepared_anew(
    whole: Config, prepared: Prepared, drop: list[str]
) -> None:
    less = whole.model_copy(update={"drop": drop})
    check_same(narrowed(prepared, less), of(less))


def test_data_from_disk_are_those_that_were_written(
    whole: Config, prepared: Prepared, tmp_path: Path
) -> None:
    about = {"log": "this"}
    assert not stored.holds(tmp_path / "data", about)
    stored.store(prepared, whole, about, tmp_path / "data")
    assert stored.holds(tmp_path / "data", about)
    assert not stored.holds(tmp_path / "data", {"log": "another"})
    found, config = stored.load(tmp_path / "data")
    assert config == whole
    check_same(found, prepared)
    assert isinstance(found.tables["train"].inputs.numeric, np.memmap)


def test_a_feature_that_others_lean_on_cannot_be_searched(
    whole: Config, prepared: Prepared
) -> None:
    values = whole.model_dump(mode="json", exclude_unset=True)
    counter = {"kind": "counter", "key": "advertiser"}
    leaning = [
        {**one, "toward": ["advertiser"]} if one.get("half_lives") == ["1h", "2d"] else one
        for one in values["features"]
    ]
    values |= {"features": [*leaning, counter], "tune": {"drop": ["counter(advertiser)"]}}
    config = parse_config(values, "test")
    with pytest.raises(ConfigError, match=r"tune.drop: counter\(advertiser\): without it 'item_"):
        check_features(config, prepared.schema)


WITHOUT = ["categorical(platform)", "counter(user)", "numeric(price)", "time(hour)"]


def test_some_features_are_what_they_are_when_prepared_alone(config: Config) -> None:
    dataset = open_dataset(config.data)
    whole = prepare(dataset, config, "live")
    alone = prepare(dataset, config.model_copy(update={"drop": WITHOUT}), "live")
    kept = {slot.origin for slot in whole.encoder.slots} - {*WITHOUT}
    made = with_features(whole, kept)
    assert made.encoder.slots == alone.encoder.slots
    for part, table in alone.tables.items():
        for name, array in table.inputs.arrays().items():
            np.testing.assert_array_equal(made.tables[part].inputs.arrays()[name], array)
        assert (made.tables[part].labels == table.labels).all()
