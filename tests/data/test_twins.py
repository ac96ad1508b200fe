"""Files that hold another one again."""

import gzip
import zipfile
from pathlib import Path

import pytest

from clickthrough.config.data import TabularData
from clickthrough.data.dataset import Dataset
from clickthrough.data.log_files import files_of, log_files, passed_over
from clickthrough.data.open import open_dataset
from clickthrough.data.twins import twins
from clickthrough.data.unpack import unpacking
from clickthrough.errors import DataError
from clickthrough.init.tables import find_tables
from tests.whole.logs import plain

ROLES = {"label": "click", "user": "user_id", "item": "item_id", "time": "time"}


def read(folder: Path, path: object) -> Dataset:
    values = {"reader": "tabular", "path": path, "cache": folder / "cache", "roles": ROLES}
    return open_dataset(TabularData.model_validate(values))


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Return a directory of a log, packed twice more, beside a link to it and another day."""
    folder = tmp_path / "logs"
    folder.mkdir()
    plain().head(120).write_csv(folder / "b.csv")
    content = (folder / "b.csv").read_bytes()
    (folder / "b.csv.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        archive.writestr("b.csv", content)
    (folder / "a-latest.csv").symlink_to("b.csv")
    plain().tail(80).write_csv(folder / "c.csv")
    return folder


def test_each_is_known_by_the_plain_one(logs: Path) -> None:
    again = [logs / "a-latest.csv", logs / "b.csv.gz", logs / "b.zip"]
    assert twins([*logs.iterdir()]) == [(path, logs / "b.csv") for path in again]


def test_without_the_plain_one_an_archive_is_the_log(logs: Path) -> None:
    packed = [logs / "b.zip", logs / "b.csv.gz"]
    assert twins(packed) == [(logs / "b.zip", logs / "b.csv.gz")]
    assert twins([logs / "b.zip", logs / "c.csv"]) == []


@pytest.mark.parametrize(
    "names",
    [("a.csv", "a.tsv"), ("a.csv", "b/a.csv.gz"), ("a.csv.gz", "a.tsv.gz"), ("a", "a.csv")],
)
def test_what_is_called_otherwise_is_another_file(names: tuple[str, ...], tmp_path: Path) -> None:
    assert twins([tmp_path / name for name in names]) == []


@pytest.mark.parametrize("pattern", ["", "*", "**/*"])
def test_a_directory_or_pattern_passes_over_them_with_a_note(pattern: str, logs: Path) -> None:
    place = logs / pattern
    assert [path.name for path in files_of(place)] == ["b.csv", "c.csv"]
    found = read(logs.parent, place).report
    assert found.impressions == 200
    expected = [
        f"{logs / name} is passed over: it holds b.csv again"
        for name in ("a-latest.csv", "b.csv.gz", "b.zip")
    ]
    assert passed_over(place) == expected
    assert [note for note in found.notes if "passed over" in note] == expected


@pytest.mark.parametrize("other", ["../logs/b.csv", "a-latest.csv", "b.csv.gz", "b.zip"])
def test_of_two_paths_neither_may_hold_the_other_again(other: str, logs: Path) -> None:
    says = rf"{other}: taken twice, since it holds {logs}/b\.csv again, which would count all"
    with pytest.raises(DataError, match=says):
        log_files([logs / "b.csv", logs / other])
    with pytest.raises(DataError, match="taken twice"):
        read(logs.parent, [logs / other, logs / "b.csv"])


def test_init_leaves_what_the_reader_passes_over(logs: Path) -> None:
    with unpacking(logs / "cache") as unpacked:
        tables = find_tables(logs, unpacked)
    assert tables.paths == [logs / "*.csv"]
    assert tables.main.total == 200
    assert {(path.name, why) for path, why in tables.left} == {
        (name, "is b.csv again") for name in ("a-latest.csv", "b.csv.gz", "b.zip")
    }
