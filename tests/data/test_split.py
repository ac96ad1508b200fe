from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from clickthrough.config import Config
from clickthrough.config.data import TabularData, TimeSplit
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.data.split import with_part
from clickthrough.errors import DataError


@pytest.fixture(scope="module")
def dataset(config: Config) -> Dataset:
    return open_dataset(config.data)


@pytest.fixture(scope="module")
def timeless(log_folder: Path, config: Config) -> Dataset:
    assert isinstance(config.data, TabularData)
    roles = config.data.roles.model_copy(update={"time": None})
    return open_dataset(config.data.model_copy(update={"roles": roles}))


def parts(dataset: Dataset, split: TimeSplit) -> pl.DataFrame:
    return with_part(dataset, split).collect().sort("row")


def sizes(rows: pl.DataFrame) -> dict[int, int]:
    return dict(rows.group_by("part").len().rows())


def test_parts_follow_each_other_in_time(dataset: Dataset) -> None:
    rows = parts(dataset, TimeSplit(validation=0.2, test=0.2))
    assert rows["part"].is_sorted()
    spans = rows.group_by("part").agg(first=pl.col("time").min(), last=pl.col("time").max())
    first, last = (dict(spans.select("part", name).rows()) for name in ("first", "last"))
    assert last[0] < first[1] <= last[1] < first[2]


def test_shares_are_of_what_comes_before_the_next_part(dataset: Dataset) -> None:
    found = sizes(parts(dataset, TimeSplit(validation=0.25, test=0.2)))
    assert found[2] == pytest.approx(0.2 * 6_000, abs=5)
    assert found[1] == pytest.approx(0.25 * 0.8 * 6_000, abs=5)
    assert sum(found.values()) == 6_000


@pytest.mark.parametrize("share", [0.1, 0.111, 0.3337])
def test_no_request_is_divided(dataset: Dataset, timeless: Dataset, share: float) -> None:
    for log in (dataset, timeless):
        rows = parts(log, TimeSplit(validation=share, test=share))
        per_request = rows.group_by("request_id").agg(pl.col("part").n_unique())
        assert per_request["part"].max() == 1
        assert set(rows["part"]) == {0, 1, 2}


def test_a_boundary_is_the_first_moment_of_its_part(dataset: Dataset) -> None:
    validation, test = datetime(2024, 1, 7, tzinfo=UTC), datetime(2024, 1, 9, 12, tzinfo=UTC)
    rows = parts(dataset, TimeSplit(validation=validation, test=test))
    moment = pl.from_epoch("time", "us").dt.replace_time_zone("UTC")
    expected = (moment >= validation).cast(pl.Int8) + (moment >= test).cast(pl.Int8)
    assert rows["part"].to_list() == rows.select(expected).to_series().to_list()


def test_a_boundary_without_an_offset_is_in_utc(dataset: Dataset) -> None:
    naive = parts(dataset, TimeSplit(validation=datetime(2024, 1, 7), test=0.1))
    aware = parts(dataset, TimeSplit(validation=datetime(2024, 1, 7, tzinfo=UTC), test=0.1))
    assert naive["part"].equals(aware["part"])


def test_a_row_exactly_at_a_boundary_belongs_to_the_later_part(dataset: Dataset) -> None:
    time = dataset.impressions().collect()["time"][3_000]
    boundary = datetime.fromtimestamp(time / 1e6, UTC)
    rows = parts(dataset, TimeSplit(validation=boundary, test=None))
    assert set(rows.filter(pl.col("time") == time)["part"]) == {1}
    assert set(rows.filter(pl.col("time") < time)["part"]) == {0}


def test_without_a_test_part_all_the_rest_is_validation(dataset: Dataset) -> None:
    found = sizes(parts(dataset, TimeSplit(validation=0.2, test=None)))
    assert set(found) == {0, 1}
    assert found[1] == pytest.approx(1_200, abs=5)


@pytest.mark.parametrize(
    ("name", "validation", "test"),
    [
        ("train", datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 5, tzinfo=UTC)),
        ("test", datetime(2024, 1, 5, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)),
        ("validation", datetime(2025, 1, 1, tzinfo=UTC), None),
    ],
)
def test_an_empty_part_is_refused_naming_it_and_the_span(
    dataset: Dataset, name: str, validation: datetime, test: datetime | None
) -> None:
    with pytest.raises(DataError, match=rf"the {name} part is empty.*2024-01-01.*2024-01-10"):
        with_part(dataset, TimeSplit(validation=validation, test=test))
