import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from clickthrough.config.load import parse_config
from clickthrough.data.convert import convert
from clickthrough.data.open import open_dataset
from clickthrough.data.raw import RawLog
from clickthrough.errors import DataError
from clickthrough.schema import Schema
from tests.logs import make_config, make_log, make_values, write_log

SCHEMA = Schema(roles={"label": "clicked", "time": "ts"}, fields={})


class Reader:
    """Counts how often the log is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opened = 0

    def __call__(self, scratch: Path) -> RawLog:
        self.opened += 1
        labels = [float(text) for text in self.path.read_text().split()]
        rows = pl.LazyFrame({"time": list(range(len(labels))), "label": labels})
        return RawLog(str(self.path), rows, SCHEMA)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    (tmp_path / "log.txt").write_text("0 1 1")
    return Reader(tmp_path / "log.txt")


def folders(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


def test_a_second_read_comes_from_the_cache(tmp_path: Path, reader: Reader) -> None:
    first = convert(tmp_path / "cache", "", [reader.path], reader)
    second = convert(tmp_path / "cache", "", [reader.path], reader)
    assert reader.opened == 1
    assert first == second
    assert first.impressions().collect()["label"].to_list() == [0, 1, 1]


def test_a_changed_file_is_converted_again(tmp_path: Path, reader: Reader) -> None:
    old = convert(tmp_path / "cache", "", [reader.path], reader)
    reader.path.write_text("0 1 1 1")
    new = convert(tmp_path / "cache", "", [reader.path], reader)
    assert reader.opened == 2
    assert (old.report.impressions, new.report.impressions) == (3, 4)


def test_a_file_of_the_same_size_but_another_time_is_converted_again(
    tmp_path: Path, reader: Reader
) -> None:
    convert(tmp_path / "cache", "", [reader.path], reader)
    reader.path.write_text("0 0 1")
    stat = reader.path.stat()
    os.utime(reader.path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))
    assert convert(tmp_path / "cache", "", [reader.path], reader).report.clicks == 1


def test_other_settings_are_another_conversion(tmp_path: Path, reader: Reader) -> None:
    one = convert(tmp_path / "cache", "one", [reader.path], reader)
    two = convert(tmp_path / "cache", "two", [reader.path], reader)
    assert reader.opened == 2
    assert one.path != two.path


def _fails(_: Path) -> RawLog:
    raise DataError("no")


def _odd_label(_: Path) -> RawLog:
    return RawLog("log", pl.LazyFrame({"time": [1], "label": [2.0]}), SCHEMA)


def _unreadable(_: Path) -> RawLog:
    rows = pl.LazyFrame({"time": [1], "label": ["x"]})
    return RawLog("log", rows.with_columns(pl.col("label").cast(pl.Float64)), SCHEMA)


@pytest.mark.parametrize("read", [_fails, _odd_label, _unreadable])
def test_a_failure_leaves_nothing_behind(
    tmp_path: Path, reader: Reader, read: Callable[[Path], RawLog]
) -> None:
    with pytest.raises(DataError):
        convert(tmp_path / "cache", "", [reader.path], read)
    assert folders(tmp_path / "cache") == []
    convert(tmp_path / "cache", "", [reader.path], reader)
    assert len(folders(tmp_path / "cache")) == 1


def test_a_conversion_that_another_process_finished_first_is_used(
    tmp_path: Path, reader: Reader
) -> None:
    cache = tmp_path / "cache"

    def late(scratch: Path) -> RawLog:
        convert(cache, "", [reader.path], reader)
        return reader(scratch)

    assert convert(cache, "", [reader.path], late).report.impressions == 3
    assert len(folders(cache)) == 1


def test_a_missing_file_is_named(tmp_path: Path, reader: Reader) -> None:
    with pytest.raises(DataError, match=r"absent\.csv: no such file"):
        convert(tmp_path / "cache", "", [tmp_path / "absent.csv"], reader)
    assert reader.opened == 0


def test_infinite_numbers_are_missing_and_counted(tmp_path: Path) -> None:
    log = make_log().with_row_index("n")
    odd = pl.col("n") % 400
    price = pl.when(odd == 3).then(float("inf")).when(odd == 5).then(-float("inf"))
    write_log(tmp_path, log.with_columns(price=price.otherwise("price")).drop("n"))
    dataset = open_dataset(make_config(tmp_path).data)
    count = log.filter(odd.is_in([3, 5])).height
    assert f"{count} infinite values of 'price' are taken as missing" in dataset.report.notes
    rows = dataset.impressions().collect()
    assert rows["price"].is_finite().all()
    assert (
        rows["price"].null_count()
        == log.filter(odd.is_in([3, 5]) | pl.col("price").is_null()).height
    )


def test_a_log_of_tomorrow_is_refused_and_asked_for_its_unit(tmp_path: Path) -> None:
    log = make_log().with_columns(ts=1_700_000_000_000 + pl.int_range(pl.len()))
    write_log(tmp_path, log)
    values = make_values(tmp_path)
    values["data"]["time"] = {"unit": "s"}
    with pytest.raises(DataError, match=r"column 'ts': the last is the year 558\d\d, .*unit: s \|"):
        open_dataset(parse_config(values, "test").data)
    values["data"]["time"] = {"unit": "ms"}
    dataset = open_dataset(parse_config(values, "test").data)
    assert dataset.schema.first == 1_700_000_000_000_000
    assert dataset.schema.last == dataset.report.last
