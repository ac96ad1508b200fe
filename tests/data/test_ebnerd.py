from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from clickthrough.config.data import EbnerdData
from clickthrough.data.dataset import Dataset
from clickthrough.data.ebnerd import NEVER
from clickthrough.data.open import open_dataset
from clickthrough.errors import DataError


@pytest.fixture(scope="module")
def dataset(ebnerd: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    cache = tmp_path_factory.mktemp("cache")
    return open_dataset(EbnerdData(reader="ebnerd", path=ebnerd, cache=cache))


@pytest.fixture(scope="module")
def rows(dataset: Dataset) -> pl.DataFrame:
    return dataset.impressions().collect()


def test_every_request_and_impression_is_counted(dataset: Dataset, rows: pl.DataFrame) -> None:
    assert dataset.report.requests == rows["request_id"].n_unique() == 24_724
    assert dataset.report.impressions == rows.height == 278_139
    assert dataset.report.clicks == rows["label"].cast(pl.Int64).sum() == 24_829
    assert rows["label"].mean() == pytest.approx(0.0893, abs=1e-4)
    assert dataset.report.unlabelled == 0


def test_what_is_known_only_later_is_no_column(dataset: Dataset, rows: pl.DataFrame) -> None:
    assert not set(NEVER) & set(rows.columns)
    assert not set(NEVER) & set(dataset.schema.fields)
    assert "article_ids_clicked" not in rows.columns


def test_rows_are_sorted_by_time_and_requests_lie_together(rows: pl.DataFrame) -> None:
    assert rows["time"].is_sorted()
    assert rows["request_id"].rle_id().max() == rows["request_id"].n_unique() - 1
    assert rows["row"].to_list() == list(range(rows.height))
    assert rows.group_by("request_id").agg(pl.col("time").n_unique())["time"].max() == 1


def test_impressions_are_the_articles_in_view_and_clicks_those_clicked(
    rows: pl.DataFrame, ebnerd: Path
) -> None:
    request = 470_302_011
    raw = pl.read_parquet(ebnerd / "behaviors.parquet").filter(pl.col("impression_id") == request)
    ours = rows.filter(pl.col("request_id") == request)
    assert ours["item"].to_list() == raw["article_ids_inview"][0].to_list()
    clicked = ours.filter(pl.col("label") == 1)["item"].to_list()
    assert sorted(clicked) == sorted(raw["article_ids_clicked"][0].to_list())
    assert ours["time"].to_list() == raw["impression_time"].dt.epoch("us").to_list() * ours.height


def test_history_lies_before_the_log(dataset: Dataset) -> None:
    history = dataset.history()
    assert history is not None
    read = history.collect()
    assert read.columns == ["user", "time", "item"]
    assert read.height > 200_000
    latest = read["time"].max()
    assert isinstance(latest, int)
    assert latest <= dataset.report.first


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"behaviors\.parquet: no such file"):
        open_dataset(EbnerdData(reader="ebnerd", path=tmp_path, cache=tmp_path / "cache"))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    pl.DataFrame({"impression_id": [1]}).write_parquet(tmp_path / "behaviors.parquet")
    pl.DataFrame({"user_id": [1]}).write_parquet(tmp_path / "history.parquet")
    with pytest.raises(DataError, match=r"behaviors\.parquet: lacks impression_time"):
        open_dataset(EbnerdData(reader="ebnerd", path=tmp_path, cache=tmp_path / "cache"))


def weeks(ebnerd: Path, folder: Path) -> list[Path]:
    """Write the log as two, each with the histories of its own users."""
    behaviors = pl.read_parquet(ebnerd / "behaviors.parquet")
    history = pl.read_parquet(ebnerd / "history.parquet")
    late = pl.col("impression_time") >= datetime(2023, 5, 22)
    for name, part in (("train", ~late), ("validation", late)):
        rows = behaviors.filter(part)
        (folder / name).mkdir(parents=True)
        rows.write_parquet(folder / name / "behaviors.parquet")
        own = history.filter(pl.col("user_id").is_in(rows["user_id"].unique().implode()))
        own.write_parquet(folder / name / "history.parquet")
    return [folder / "train", folder / "validation"]


def same(one: Dataset, other: Dataset) -> bool:
    history, read = one.history(), other.history()
    assert history is not None
    assert read is not None
    columns = ["user", "time", "item"]
    told = [frame.collect().sort(columns).select(columns) for frame in (history, read)]
    rows = [each.impressions().collect() for each in (one, other)]
    return told[0].equals(told[1]) and rows[0].equals(rows[1]) and one.schema == other.schema


def test_weeks_are_one_log_in_any_order(dataset: Dataset, ebnerd: Path, tmp_path: Path) -> None:
    first, second = weeks(ebnerd, tmp_path)
    for path in (tmp_path, [second, first]):
        data = EbnerdData(reader="ebnerd", path=path, cache=tmp_path / "cache")
        found = open_dataset(data)
        assert same(found, dataset)
        assert found.report.notes == dataset.report.notes


def test_an_impression_that_stands_in_two_weeks_counts_once(
    dataset: Dataset, ebnerd: Path, tmp_path: Path
) -> None:
    _, second = weeks(ebnerd, tmp_path)
    data = EbnerdData(reader="ebnerd", path=[ebnerd, second], cache=tmp_path / "cache")
    found = open_dataset(data)
    assert same(found, dataset)
    assert any("were united with it" in note for note in found.report.notes)


def test_what_a_later_week_tells_of_an_earlier_one_does_not_count_twice(
    dataset: Dataset, ebnerd: Path, tmp_path: Path
) -> None:
    first, second = weeks(ebnerd, tmp_path)
    path = second / "history.parquet"
    history = pl.read_parquet(path)
    inside = pl.lit([datetime(2023, 5, 19)] * 2, pl.List(pl.Datetime("us")))
    one = history.head(1).with_columns(
        pl.concat_list("impression_time_fixed", inside).alias("impression_time_fixed"),
        pl.concat_list("article_id_fixed", pl.lit([1, 2], pl.List(pl.Int32))).alias(
            "article_id_fixed"
        ),
    )
    pl.concat([one, history.tail(-1)], how="vertical_relaxed").write_parquet(path)
    data = EbnerdData(reader="ebnerd", path=[first, second], cache=tmp_path / "cache")
    found = open_dataset(data)
    assert same(found, dataset)
    assert any(note.startswith("2 entries of the histories lie") for note in found.report.notes)


def test_a_week_of_other_columns_is_named(ebnerd: Path, tmp_path: Path) -> None:
    _, second = weeks(ebnerd, tmp_path)
    path = second / "behaviors.parquet"
    pl.read_parquet(path).with_columns(pl.col("device_type").cast(pl.String)).write_parquet(path)
    data = EbnerdData(reader="ebnerd", path=tmp_path, cache=tmp_path / "cache")
    with pytest.raises(DataError, match=rf"^{path}: 'device_type' is str, in .*train/.* it is int"):
        open_dataset(data)
