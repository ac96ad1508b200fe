"""A directory: which table is the log, and what becomes of the others."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from clickthrough.data.unpack import unpacking
from clickthrough.errors import DataError
from clickthrough.init.roles import Named
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
    names = {part: paths[0].name for part, paths in tables.files.items()}
    assert names == {"train": "train.csv", "validation": "valid.csv", "test": "test.csv"}
    assert [side.path.name for side in tables.sides] == ["ads.csv"]


def test_a_test_file_without_labels_is_left(tmp_path: Path) -> None:
    tables = found(tmp_path, train=LOG, test=LOG.drop("clicked"))
    assert tables.files == {}
    assert tables.main.path.name == "train.csv"
    assert [path.name for path, _ in tables.left] == ["test.csv"]


def test_a_directory_without_a_log_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of ads\.csv, more\.csv has a column .* label"):
        found(tmp_path, ads=ADS, more=ADS.with_columns(size=1))


def test_a_directory_without_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.md").touch()
    with pytest.raises(DataError, match="holds no table"):
        found(tmp_path)


def test_what_is_not_there_is_named() -> None:
    with unpacking(Path("cache")) as plain, pytest.raises(DataError, match="nowhere: no such"):
        find_tables(Path("nowhere"), plain)


def halves() -> tuple[pl.DataFrame, pl.DataFrame]:
    return LOG.head(2), LOG.tail(2)


def files_in(folder: Path, *names: str, suffix: str = "csv") -> Tables:
    """Write halves of the log under names, in turn, and what lies about beside them."""
    for place, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = halves()[place % 2].with_columns(ad=pl.col("ad") + place)
        rows.write_csv(path) if suffix == "csv" else rows.write_parquet(path)
        for left in ("_SUCCESS", "._SUCCESS.crc", f".{path.name}.crc", "_metadata"):
            (path.parent / left).touch()
    with unpacking(folder / "cache") as plain:
        return find_tables(folder, plain)


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["2024-03-04.csv", "2024-03-05.csv"], "*.csv"),
        (["a.tsv", "b.tsv"], "*.tsv"),
        (["part-00000.csv", "part-00001-9f.c000.csv", "part-00002.csv"], "*.csv"),
        (["dt=2024-03-04/part-0.csv", "dt=2024-03-05/part-0.csv"], "**/*.csv"),
        (["days/a.csv", "days/b.csv"], "days/*.csv"),
        (["a.csv", "b.tsv"], "*"),
    ],
)
def test_files_of_the_same_columns_are_one_log(
    names: list[str], pattern: str, tmp_path: Path
) -> None:
    tables = files_in(tmp_path, *names)
    assert tables.paths == [tmp_path / pattern]
    assert tables.main.total == len(tables.main.rows) == 2 * len(names)
    assert tables.main.exact
    assert tables.sides == []
    assert tables.left == []
    said = f"{len(names)} files of the same columns are taken for one log: name one if one holds"
    assert tables.notes[0].startswith(said)
    assert (len(tables.notes) == 2) == ("dt=" in names[0])


def test_parquet_of_spark_is_one_log_also_where_a_part_is_empty(tmp_path: Path) -> None:
    names = [
        f"part-{n:05d}-3f2a90aa-11bb-4e3a-abcd-0123456789ab-c000.snappy.parquet" for n in (0, 1)
    ]
    LOG.head(0).write_parquet(tmp_path / names[0].replace("00000", "00002"))
    tables = files_in(tmp_path, *names, suffix="parquet")
    assert tables.paths == [tmp_path / "*.parquet"]
    assert len(tables.main.rows) == 4


def test_of_a_long_series_some_are_looked_at_and_all_are_taken(tmp_path: Path) -> None:
    tables = files_in(tmp_path, *[f"part-{n:05d}.csv" for n in range(40)])
    assert tables.paths == [tmp_path / "*.csv"]
    assert (tables.main.total, len(tables.main.rows), tables.main.exact) == (80, 16, False)
    assert tables.main.seen == "16 rows of 8 of 40 files"


def test_beside_other_tables_the_pattern_takes_the_log_alone(tmp_path: Path) -> None:
    ADS.write_csv(tmp_path / "ads.csv")
    tables = files_in(tmp_path, "log-1.csv", "log-2.csv")
    assert tables.paths == [tmp_path / "log-*.csv"]
    assert [side.path.name for side in tables.sides] == ["ads.csv"]
    ADS.with_columns(size=1).write_csv(tmp_path / "log-firms.csv")
    listed = [tmp_path / "log-1.csv", tmp_path / "log-2.csv"]
    assert files_in(tmp_path, "log-1.csv", "log-2.csv").paths == listed


def test_a_copy_is_not_taken_twice(tmp_path: Path) -> None:
    LOG.write_csv(tmp_path / "log.csv")
    LOG.write_csv(tmp_path / "mail.csv")
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress((tmp_path / "log.csv").read_bytes()))
    with unpacking(tmp_path / "cache") as plain:
        tables = find_tables(tmp_path, plain)
    assert tables.paths == [tmp_path / "log.csv"]
    assert {(path.name, why) for path, why in tables.left} == {
        ("log.csv.gz", "is log.csv again"),
        ("mail.csv", "is log.csv again"),
    }


def test_a_file_of_another_form_is_left(tmp_path: Path) -> None:
    LOG.write_csv(tmp_path / "b.csv", separator=";")
    tables = files_in(tmp_path, "a1.csv", "a2.csv", "a3.csv", "a4.csv", "a5.csv")
    assert [(path.name, why) for path, why in tables.left] == [
        ("b.csv", "has another separator than the log")
    ]


def test_parts_may_have_several_files(tmp_path: Path) -> None:
    flat = files_in(tmp_path / "flat", "train-0.csv", "train-1.csv", "valid-0.csv", "valid-1.csv")
    at = tmp_path / "flat"
    assert flat.files == {"train": [at / "train-*.csv"], "validation": [at / "valid-*.csv"]}
    names = ["train/0.csv", "train/1.csv", "valid/0.csv", "test/0.csv"]
    deep, at = files_in(tmp_path / "deep", *names), tmp_path / "deep"
    assert deep.files == {
        "train": [at / "train/*.csv"],
        "validation": [at / "valid/0.csv"],
        "test": [at / "test/0.csv"],
    }
    assert len(deep.main.rows) == 4


def test_the_log_of_a_folder_may_hold_ratings_or_texts_that_its_owner_names(
    tmp_path: Path,
) -> None:
    rated = LOG.select("ad", "place", rating=pl.Series([1, 5, 3, 4]))
    assert found(tmp_path, a_ads=ADS, log=rated).main.path.name == "log.csv"
    (tmp_path / "log.csv").unlink()
    bought = LOG.select("ad", "place", what=pl.Series(["seen", "bought", "seen", "bought"]))
    with pytest.raises(DataError, match="has a column that looks like a label"):
        found(tmp_path, a_ads=ADS, log=bought)
    with unpacking(tmp_path / "cache") as plain:
        tables = find_tables(tmp_path, plain, Named(label_is=("Bought",)))
    assert tables.main.path.name == "log.csv"


def test_a_side_table_may_have_a_separator_of_its_own(tmp_path: Path) -> None:
    LOG.write_csv(tmp_path / "a.inter", separator="\t")
    ADS.write_csv(tmp_path / "a.item", separator="|")
    with unpacking(tmp_path / "cache") as plain:
        tables = find_tables(tmp_path, plain)
        rows = with_sides(tables.main, tables.sides, plain)
    assert [side.separator for side in tables.sides] == ["|"]
    assert rows["firm"].to_list() == ["z", "y", "z", "x"]
