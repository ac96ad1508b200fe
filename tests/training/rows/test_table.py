from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from clickthrough.config import Config
from clickthrough.data.open import open_dataset
from clickthrough.training.prepare import prepare
from clickthrough.training.rows.table import Table
from tests.logs import make_log, make_values, write_log


def prepared(folder: Path, log: pl.DataFrame, **changed: object) -> tuple[dict[str, Table], float]:
    write_log(folder, log)
    config = Config.model_validate(make_values(folder) | changed)
    found = prepare(open_dataset(config.data), config, "live")
    return found.tables, found.encoder.prior


def rates_before(log: pl.DataFrame, keys: list[str], prior: float) -> NDArray[np.float64]:
    """The smoothed rate of each impression's key over all impressions of earlier ticks."""
    ticks = pl.col("ts").str.to_datetime(time_zone="UTC").dt.epoch("s") // 600
    known: dict[object, list[tuple[int, int]]] = {}
    rates = []
    for tick, label, *key in log.select(ticks, "clicked", *keys).iter_rows():
        events = known.setdefault(tuple(key), [])
        earlier = [clicked for then, clicked in events if then < tick]
        rates.append((sum(earlier) + 20 * prior) / (len(earlier) + 20))
        events.append((tick, label))
    return np.array(rates)


def test_a_key_of_which_a_part_is_missing_has_the_prior(tmp_path: Path) -> None:
    log = make_log(requests=300, days=2)
    by_platform = [{"kind": "counter", "key": "platform"}]
    tables, prior = prepared(tmp_path, log, features=by_platform)
    expected = rates_before(log, ["platform"], prior)
    expected[log["platform"].is_null().to_numpy()] = prior
    parts = [tables[part].rates["platform"] for part in ("train", "validation", "test")]
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-6)
    assert 0 < log["platform"].null_count() < log.height


@pytest.mark.parametrize(
    ("name", "keys"), [("item", ["ad"]), ("user", ["uuid"]), ("user+item", ["uuid", "ad"])]
)
def test_rates_are_smoothed_and_as_of_each_impression(
    name: str, keys: list[str], tmp_path: Path
) -> None:
    """``user+item`` has one although the declaration asks for its counts alone."""
    log = make_log(requests=300, days=2)
    tables, prior = prepared(tmp_path, log)
    expected = rates_before(log, keys, prior)
    found = np.concatenate([tables[part].rates[name] for part in ("train", "validation", "test")])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert expected.std() > 0.001


def test_rates_are_of_counted_keys_and_of_the_item(tmp_path: Path) -> None:
    log = make_log(requests=100)
    tables, _ = prepared(tmp_path, log)
    assert list(tables["test"].rates) == ["item", "user", "user+item"]
    only_ages = [{"kind": "age", "key": "user"}, {"kind": "counter", "key": "advertiser"}]
    tables, _ = prepared(tmp_path, log, features=only_ages)
    assert list(tables["test"].rates) == ["item", "advertiser"]


def test_without_times_the_rate_is_the_prior(tmp_path: Path) -> None:
    log = make_log(requests=100)
    values = make_values(tmp_path)["data"]
    roles = {"label": "clicked", "request_id": "display_id", "item": "ad"}
    only_ids = [{"kind": "categorical", "fields": ["item"]}]
    tables, prior = prepared(tmp_path, log, features=only_ids, data=values | {"roles": roles})
    assert list(tables["test"].rates) == ["item"]
    assert set(tables["test"].rates["item"]) == {np.float32(prior)}


def test_rates_stand_row_for_row_with_labels_that_are_known(tmp_path: Path) -> None:
    log = make_log(requests=300, days=2)
    whole, _ = prepared(tmp_path / "whole", log)
    late = pl.int_range(pl.len()) >= log.height - len(whole["test"])
    blank = (pl.int_range(pl.len()) % 5 == 0) & late
    gaps = log.with_columns(clicked=pl.when(~blank).then("clicked"))
    some, _ = prepared(tmp_path / "some", gaps, counters={"tick": "2d"})
    assert all(len(rate) == len(some["test"]) for rate in some["test"].rates.values())
    assert len(some["test"]) == 0.8 * len(whole["test"])
