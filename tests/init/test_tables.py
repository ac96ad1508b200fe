"""A directory: which table is the log, and what becomes of the others."""

from pathlib import Path

import polars as pl
import pytest

from clickthrough.data.unpack import unpacking
from clickthrough.errors import DataError
from clickthrough.init.tables import Tables, find_tables, with_sides

LOG = pl.DataFrame({"clicked": [0, 1, 0, 1], "ad": [7, 8, 7, 9], "place": ["a", "b", "a", "b"]})
ADS = pl.DataFrame({"ad": [9, 8, 7, 6], "firm": ["x", "y", "z", "q"]})


def found(folder: Path, **tables: pl.DataFrame) -> Tables:
    for name, frame in tables.items():
        frame.write_csv(folder / f"{name}.csv")
    with unpacking(folder / "cache") as plain:
        return find_tables(folder, plain)


def test_the_log_is_the_table_with_the_label_and_others_join_by_a_unique_key(
    tmp_path: Path,
) -> None:
    tables = found(tmp_path, ads=ADS, log=LOG)
    assert tables.main.path.name == "log.csv"
    assert [(s.path.name, s.key, s.columns) for s in tables.sides] == [("ads.csv", "ad", ["firm"])]
    with unpacking(tmp_path / "cache") as plain:
        rows = with_sides(tables.main, tables.sides, plain)
    assert rows["firm"].to_list() == ["z", "y", "z", "x"]
    assert rows.columns == ["clicked", "ad", "place", "firm"]


@pytest.mark.parametrize(
    ("side", "why"),
    [
        (pl.concat([ADS, ADS]), "several rows for one ad"),
        (ADS.rename({"ad": "number"}), "shares no column"),
        (ADS.drop("firm"), "adds no column"),
    ],
)
def test_a_table_that_does_not_join_is_left_with_a_reason(
    side: pl.DataFrame, why: str, tmp_path: Path
) -> None:
    tables = found(tmp_path, ads=side, log=LOG)
    assert tables.sides == []
    assert [(path.name, reason) for path, reason in tables.left] == [("ads.csv", why)]


def test_a_column_that_two_tables_bring_is_taken_once(tmp_path: Path) -> None:
    more = ADS.with_columns(size=1)
    tables = found(tmp_path, ads=ADS, more=more, log=LOG)
    assert [side.columns for side in tables.sides] == [["firm"], ["size"]]
    assert tables.sides[1].reason == "one row for each ad; firm left out, another table has it"


def test_files_named_as_parts_with_the_same_columns_are_the_parts(tmp_path: Path) -> None:
    tables = found(tmp_path, train=LOG, valid=LOG, test=LOG, ads=ADS)
    names = {part: path.name for part, path in tables.files.items()}
    assert names == {"train": "train.csv", "validation": "valid.csv", "test": "test.csv"}
    assert [side.path.name for side in tables.sides] == ["ads.csv"]


def test_a_test_file_without_labels_is_left(tmp_path: Path) -> None:
    tables = found(tmp_path, train=LOG, test=LOG.drop("clicked"))
    assert tables.files == {}
    assert tables.main.path.name == "train.csv"
    assert [path.name for path, _ in tables.left] == ["test.csv"]


def test_a_directory_without_a_log_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of ads\.csv, more\.csv has a column .* label"):
        found(tmp_path, ads=ADS, more=ADS)


def test_a_directory_without_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.md").touch()
    with pytest.raises(DataError, match="holds no table"):
        found(tmp_path)


def test_what_is_not_there_is_named() -> None:
    with unpacking(Path("cache")) as plain, pytest.raises(DataError, match="nowhere: no such"):
        find_tables(Path("nowhere"), plain)
