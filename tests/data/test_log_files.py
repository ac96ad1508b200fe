"""Paths of a log: files, directories, patterns."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from clickthrough.config.data import TabularData
from clickthrough.config.load import load_config
from clickthrough.data.dataset import Dataset
from clickthrough.data.log_files import files_of, log_files
from clickthrough.data.open import open_dataset
from clickthrough.errors import DataError
from tests.whole.logs import plain

ROLES = {"label": "click", "user": "user_id", "item": "item_id", "time": "time"}
CONFIG = """
data: {reader: tabular, path: %s, roles: {label: click, time: time}}
features: [{kind: categorical, fields: [slot]}]
model: {name: mlp}
"""


def read(folder: Path, path: object, **more: object) -> Dataset:
    values = {"reader": "tabular", "path": path, "cache": folder / "cache", "roles": ROLES, **more}
    return open_dataset(TabularData.model_validate(values))


def touched(folder: Path, *names: str) -> list[str]:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return list(names)


def taken(folder: Path, pattern: str) -> list[str]:
    return [str(path.relative_to(folder)) for path in files_of(folder / pattern)]


def test_a_directory_stands_for_its_tables_by_their_names(tmp_path: Path) -> None:
    touched(tmp_path, "b.csv", "a.csv.gz", "c.tsv", "README.md", "_SUCCESS", "below/d.csv")
    touched(tmp_path, ".a.csv.crc", "_metadata", "_committed_1.csv", ".hidden.csv")
    assert taken(tmp_path, "") == ["a.csv.gz", "b.csv", "c.tsv"]


def test_a_pattern_takes_what_it_says(tmp_path: Path) -> None:
    touched(tmp_path, "2024-03-04.csv", "2024-03-05.csv", "2024-04-01.csv", "notes.txt", "x.dat")
    touched(tmp_path, "dt=1/part-0.parquet", "dt=1/_SUCCESS", "dt=2/deep/part-1.parquet")
    touched(tmp_path, "_temporary/part-9.parquet", ".clickthrough/cache/part-8.parquet")
    assert taken(tmp_path, "2024-03-*.csv") == ["2024-03-04.csv", "2024-03-05.csv"]
    assert taken(tmp_path, "2024-0[45]*") == ["2024-04-01.csv"]
    assert taken(tmp_path, "2024-03-0?.csv") == ["2024-03-04.csv", "2024-03-05.csv"]
    below = ["dt=1/part-0.parquet", "dt=2/deep/part-1.parquet"]
    assert taken(tmp_path, "**/*.parquet") == below
    assert taken(tmp_path, "dt=*/**") == below
    assert taken(tmp_path, "*.dat") == ["x.dat"]
    assert taken(tmp_path, "x*") == ["x.dat"]


def test_what_is_there_under_a_name_with_signs_is_no_pattern(tmp_path: Path) -> None:
    touched(tmp_path, "log[1].csv", "log1.csv", "in [2024]*/a.csv", "in [2024]*/b.csv")
    assert taken(tmp_path, "log[1].csv") == ["log[1].csv"]
    assert taken(tmp_path, "log[12].csv") == ["log1.csv"]
    assert taken(tmp_path, "in [2024]*/*.csv") == ["in [2024]*/a.csv", "in [2024]*/b.csv"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_whose_name_holds_brackets_is_read(suffix: str, tmp_path: Path) -> None:
    log = tmp_path / f"log[1].{suffix}"
    other = tmp_path / f"log1.{suffix}"
    for path, frame in ((log, plain()), (other, plain().head(50))):
        frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    assert read(tmp_path, log).report.impressions == 200


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("*.parquet", r"\*\.parquet: no file is called so"),
        ("nowhere/*.csv", r"nowhere/\*\.csv: no file is called so"),
        ("empty", "empty: holds no table: expected .csv"),
        ("deep", "deep: holds no table: .*'.*deep/\\*\\*' takes those in directories below"),
        ("nowhere.csv", "nowhere.csv: no such file"),
    ],
)
def test_what_holds_no_table_is_refused_in_a_line(pattern: str, says: str, tmp_path: Path) -> None:
    touched(tmp_path, "a.csv", "empty/_SUCCESS", "deep/dt=1/a.csv")
    with pytest.raises(DataError, match=says) as caught:
        read(tmp_path, tmp_path / pattern)
    assert "\n" not in str(caught.value)


def test_a_file_that_two_paths_take_is_refused(tmp_path: Path) -> None:
    touched(tmp_path, "a.csv", "b.csv")
    with pytest.raises(DataError, match=r"a\.csv: taken twice"):
        log_files([tmp_path / "*.csv", tmp_path / "a.csv"])


def test_a_directory_and_a_pattern_are_the_list_of_their_files(tmp_path: Path) -> None:
    folder = tmp_path / "days"
    folder.mkdir()
    plain().head(90).write_csv(folder / "2024-03-04.csv")
    (folder / "2024-03-05.csv.gz").write_bytes(
        gzip.compress(plain().tail(110).write_csv().encode())
    )
    (folder / "_SUCCESS").touch()
    listed = read(tmp_path, [folder / "2024-03-04.csv", folder / "2024-03-05.csv.gz"])
    whole = listed.impressions().collect()
    assert len(whole) == 200
    for path in (folder, folder / "*.csv*", folder / "*", tmp_path / "**/2024*"):
        assert read(tmp_path, path).impressions().collect().equals(whole)


def test_a_new_file_joins_the_next_reading(tmp_path: Path) -> None:
    (tmp_path / "days").mkdir()
    plain().head(90).write_parquet(tmp_path / "days" / "a.parquet")
    assert read(tmp_path, tmp_path / "days/*.parquet").report.impressions == 90
    plain().tail(110).write_parquet(tmp_path / "days" / "b.parquet")
    assert read(tmp_path, tmp_path / "days/*.parquet").report.impressions == 200


def test_parts_of_a_divided_log_may_be_patterns(tmp_path: Path) -> None:
    for place in range(4):
        plain()[place * 50 : place * 50 + 50].write_csv(tmp_path / f"train-{place}.csv")
    plain(seed=2).write_csv(tmp_path / "valid.csv")
    files = {"train": str(tmp_path / "train-*.csv"), "validation": str(tmp_path / "valid.csv")}
    rows = read(tmp_path, None, files=files).impressions().collect()
    assert rows["part"].value_counts(sort=True)["count"].to_list() == [200, 200]


def test_a_directory_given_as_data_stands_for_what_the_configuration_takes(
    tmp_path: Path,
) -> None:
    for folder in ("logs", "later"):
        touched(tmp_path, f"{folder}/a.csv", f"{folder}/dt=1/b.csv")
    here, later = tmp_path / "config.yaml", tmp_path / "later"
    for path, expected in {
        "logs": [later],
        '"logs/*.csv"': [later / "*.csv"],
        '"logs/**/*.csv"': [later / "**/*.csv"],
        "logs/a.csv": [later / "a.csv"],
    }.items():
        here.write_text(CONFIG % path)
        found = load_config(here, later).data
        assert isinstance(found, TabularData)
        assert found.paths == expected
        assert load_config(here, tmp_path / "*/a.csv").data.path == tmp_path / "*/a.csv"


def test_polars_does_not_read_folders_names(tmp_path: Path) -> None:
    (tmp_path / "dt=2024-03-04").mkdir()
    plain().write_parquet(tmp_path / "dt=2024-03-04" / "part-0.parquet")
    dataset = read(tmp_path, tmp_path / "**/*.parquet")
    assert "dt" not in dataset.schema.fields
    assert dataset.impressions().select(pl.len()).collect().item() == 200
