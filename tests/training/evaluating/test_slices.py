from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from clickthrough.config import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.errors import ConfigError
from clickthrough.evaluation.slices import Slice
from clickthrough.training.evaluating.slices import check_slices, own_slices, read_slices
from tests.logs import make_log, make_values, write_log

START = 960
"""The test part begins with this request of the 1,200."""


def opened(folder: Path, log: pl.DataFrame, **data: Any) -> tuple[Dataset, Config]:  # noqa: ANN401
    write_log(folder, log)
    values = make_values(folder)
    values["data"] |= data
    config = Config.model_validate(values)
    return open_dataset(config.data), config


def named(division: Slice) -> list[str]:
    return [division.values[code] for code in division.codes]


def changed() -> pl.DataFrame:
    """A log with ads and users that come only in the test part, and others that stay away."""
    request = pl.int_range(pl.len()) // 5
    late = request >= START
    return make_log().with_columns(
        ad=pl.when(late & (pl.col("ad") < 110)).then(pl.col("ad") + 1_000).otherwise("ad"),
        uuid=pl.when(late & (pl.col("uuid") < "u3")).then(pl.lit("new one")).otherwise("uuid"),
    )


def test_new_is_what_the_log_did_not_hold_before_the_test_part(tmp_path: Path) -> None:
    log = changed()
    dataset, config = opened(tmp_path, log)
    found = read_slices(["item_seen", "user_seen"], dataset, config)
    test = log.slice(START * 5)
    assert named(found["item_seen"]) == ["new" if ad > 1_000 else "known" for ad in test["ad"]]
    users = ["new" if user == "new one" else "known" for user in test["uuid"]]
    assert named(found["user_seen"]) == users
    for division in found.values():
        assert 0.02 < np.mean(np.array(named(division)) == "new") < 0.9


def test_a_user_of_the_given_history_is_known(tmp_path: Path) -> None:
    dataset, config = opened(tmp_path, changed())
    history = pl.DataFrame({"user": ["new one"], "time": [0], "item": [1]})
    history.write_parquet(dataset.path / "history.parquet")
    found = read_slices(["user_seen"], dataset, config)["user_seen"]
    assert set(named(found)) == {"known"}


def test_days_are_those_of_the_time_zone(tmp_path: Path) -> None:
    log = make_log()
    dataset, config = opened(tmp_path, log, timezone="Pacific/Auckland")
    found = named(read_slices(["day"], dataset, config)["day"])
    zone = ZoneInfo("Pacific/Auckland")
    times = log.slice(START * 5)["ts"].to_list()
    days = [datetime.fromisoformat(time).astimezone(zone).date() for time in times]
    assert found == [day.isoformat() for day in days]
    assert found != [time[:10] for time in times]


def test_hours_are_those_of_the_time_zone_and_asked_for(tmp_path: Path) -> None:
    log = make_log()
    dataset, config = opened(tmp_path, log, timezone="Asia/Kolkata")  # half an hour off
    found = named(read_slices(["hour"], dataset, config)["hour"])
    zone = ZoneInfo("Asia/Kolkata")
    times = log.slice(START * 5)["ts"].to_list()
    assert found == [f"{datetime.fromisoformat(t).astimezone(zone).hour:02}" for t in times]
    assert len(set(found)) == 24
    assert "hour" not in own_slices(dataset.schema)


def test_positions_count_every_candidate_as_logged(tmp_path: Path) -> None:
    log = make_log()
    blank = pl.int_range(pl.len()) % 5 == 1
    dataset, config = opened(tmp_path, log.with_columns(clicked=pl.when(~blank).then("clicked")))
    found = read_slices(["position"], dataset, config)["position"]
    assert named(found)[:8] == ["1", "3", "4", "5"] * 2


def test_a_field_is_divided_by_its_values(tmp_path: Path) -> None:
    log = make_log()
    dataset, config = opened(tmp_path, log)
    found = read_slices(["platform"], dataset, config)["platform"]
    test = log.slice(START * 5)["platform"].to_list()
    assert named(found) == [value or "(missing)" for value in test]
    assert list(found.values)[:3] == ["desktop", "mobile", "tablet"]


def test_rare_values_are_united(tmp_path: Path) -> None:
    log = make_log()
    dataset, config = opened(tmp_path, log)
    found = read_slices(["item"], dataset, config)["item"]
    test = log.slice(START * 5)["ad"]
    counts = test.value_counts(sort=True)
    frequent = set(counts.sort("count", "ad", descending=[True, False])["ad"].head(24))
    assert named(found) == [str(ad) if ad in frequent else "(other)" for ad in test]
    assert list(found.values)[:24] == [str(ad) for ad in sorted(frequent)]


def test_a_field_comes_before_a_slice_of_the_same_name(tmp_path: Path) -> None:
    log = make_log().with_columns(position=pl.lit("left"))
    dataset, config = opened(tmp_path, log)
    assert set(named(read_slices(["position"], dataset, config)["position"])) == {"left"}


def test_a_log_has_the_slices_that_its_roles_allow(tmp_path: Path) -> None:
    dataset, _ = opened(tmp_path, make_log(requests=40))
    assert own_slices(dataset.schema) == ["item_seen", "user_seen", "day", "position"]
    roles = {"label": "clicked", "request_id": "display_id"}
    other, _ = opened(tmp_path, make_log(requests=40), roles=roles)
    assert own_slices(other.schema) == ["position"]
    with pytest.raises(ConfigError, match="unknown slice 'day'"):
        check_slices(["day"], other.schema)


def test_a_slice_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    dataset, _ = opened(tmp_path, make_log(requests=40))
    check_slices(["platform", "item", "day"], dataset.schema)
    with pytest.raises(ConfigError, match="unknown slice 'platfrom'; did you mean 'platform'"):
        check_slices(["platfrom"], dataset.schema)
    with pytest.raises(ConfigError, match="field 'price' is of type float; a slice needs one of"):
        check_slices(["price"], dataset.schema)
