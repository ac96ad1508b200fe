"""Several table files that are one log."""

import gzip
import os
import tempfile
from itertools import pairwise
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.config.data import TabularData
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.data.unpack import unpacking
from clickthrough.errors import DataError
from clickthrough.init.tables import find_tables
from tests.whole.logs import ROW, plain

ROLES = {"label": "click", "user": "user_id", "item": "item_id", "time": "time"}


def read(folder: Path, *paths: Path) -> Dataset:
    values = {"reader": "tabular", "path": list(paths), "cache": folder / "cache", "roles": ROLES}
    return open_dataset(TabularData.model_validate(values))


def written(folder: Path, *parts: pl.DataFrame) -> list[Path]:
    paths = [folder / f"week {place}.csv" for place in range(len(parts))]
    for part, path in zip(parts, paths, strict=True):
        part.write_csv(path)
    return paths


def halves(log: pl.DataFrame) -> list[pl.DataFrame]:
    return [log.head(120), log.tail(80)]


CELLS = st.lists(st.sampled_from(["", "7", "007", "2.50", "x", "-1e3"]), min_size=1, max_size=4)


@settings(max_examples=30, deadline=None)
@given(
    cuts=st.sets(st.integers(1, 199), min_size=1, max_size=3),
    cells=st.lists(CELLS, min_size=4, max_size=4),
    seed=st.randoms(use_true_random=False),
)
def test_a_log_cut_anywhere_is_the_log(
    cuts: set[int], cells: list[list[str]], seed: Random
) -> None:
    """Whatever the files are taken for alone, together they are what the whole is."""
    ends = [*sorted(cuts), 200]
    sizes = [end - start for start, end in pairwise([0, *ends])]
    extra = [own[row % len(own)] for own, n in zip(cells, sizes, strict=False) for row in range(n)]
    log = plain().with_columns(extra=pl.Series(extra))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (whole,) = written(folder, log)
        (folder / "parts").mkdir()
        parts = [log[start:end] for start, end in pairwise([0, *ends])]
        paths = written(folder / "parts", *parts)
        seed.shuffle(paths)
        one, several = read(folder, whole), read(folder, *paths)
        assert several.schema == one.schema
        assert several.report == one.report
        rows = [found.impressions().drop("request_id", "row").collect() for found in (one, several)]
        assert rows[0].equals(rows[1])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_files_in_any_order_are_the_whole_log(tmp_path: Path, order: tuple[int, int]) -> None:
    (whole,) = written(tmp_path, plain())
    (tmp_path / "parts").mkdir()
    parts = written(tmp_path / "parts", *halves(plain()))
    one, several = read(tmp_path, whole), read(tmp_path, *(parts[place] for place in order))
    assert several.schema == one.schema
    assert several.report == one.report
    same = [made.impressions().drop("request_id", "row").collect() for made in (one, several)]
    assert same[0].equals(same[1])
    assert several.name == ", ".join(str(parts[place]) for place in order)


def test_one_of_a_list_is_one(tmp_path: Path) -> None:
    (whole,) = written(tmp_path, plain())
    data = TabularData(reader="tabular", path=[whole], roles={"label": "click"})
    assert data.path == whole
    assert data.paths == [whole]


def test_columns_may_stand_in_another_order_and_files_be_compressed(tmp_path: Path) -> None:
    one, other = halves(plain())
    first, second = written(tmp_path, one, other.select(reversed(other.columns)))
    with gzip.open(tmp_path / "second.csv.gz", "wb") as file:
        file.write(second.read_bytes())
    found = read(tmp_path, first, tmp_path / "second.csv.gz").impressions().collect()
    assert found.height == 200
    assert found["price"].to_list() == plain()["price"].to_list()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("first", "then", "kind"),
    [
        (pl.lit(7), pl.lit(0.5), "float"),
        (pl.lit(None), pl.lit(3), "int"),
        (pl.lit(2.5), pl.lit(None), "float"),
        (pl.lit("a"), pl.lit(None), "str"),
    ],
)
def test_a_column_has_the_type_that_all_files_say(
    tmp_path: Path, suffix: str, first: pl.Expr, then: pl.Expr, kind: str
) -> None:
    paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for path, half, extra in zip(paths, halves(plain()), (first, then), strict=True):
        frame = half.with_columns(extra=extra)
        if suffix == "csv":
            frame.write_csv(path)
        else:
            frame.write_parquet(path)
    dataset = read(tmp_path, *paths)
    assert dataset.schema.fields["extra"] == kind
    found = dataset.impressions().collect()["extra"]
    said = {v for e in (first, then) if (v := pl.select(e).item()) is not None}
    assert {*found.drop_nulls()} == said


@pytest.mark.parametrize("place", [0, 1])
def test_what_is_a_text_in_one_file_is_a_text_in_all_as_it_stands(
    tmp_path: Path, place: int
) -> None:
    parts = halves(plain())
    extras = ["007", "x7"] if place else ["x7", "007"]
    made = [p.with_columns(extra=pl.lit(e)) for p, e in zip(parts, extras, strict=True)]
    dataset = read(tmp_path, *written(tmp_path, *made))
    assert dataset.schema.fields["extra"] == "str"
    assert {*dataset.impressions().collect()["extra"]} == {"007", "x7"}


def test_a_file_of_other_columns_is_named_with_them(tmp_path: Path) -> None:
    one, other = halves(plain())
    first, second = written(tmp_path, one, other.drop("slot").with_columns(place=1))
    says = rf"^{second}: lacks slot, has place as well; expected the columns of {first}, "
    with pytest.raises(DataError, match=says):
        read(tmp_path, first, second)


def test_a_column_whose_types_do_not_go_together_is_named(tmp_path: Path) -> None:
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, half, extra in zip(paths, halves(plain()), (pl.lit(1), pl.lit("x")), strict=True):
        half.with_columns(extra=extra).write_parquet(path)
    says = rf"^{paths[1]}: column 'extra' is of type String, in {paths[0]} it is Int32; "
    with pytest.raises(DataError, match=says):
        read(tmp_path, *paths)


def test_a_file_that_is_missing_or_wrong_is_named(tmp_path: Path) -> None:
    first, second = written(tmp_path, *halves(plain()))
    with pytest.raises(DataError, match=r"^.*week 9.csv: no such file"):
        read(tmp_path, first, tmp_path / "week 9.csv")
    bad = halves(plain())[1].with_columns(click=pl.when(ROW == 5).then(7).otherwise("click"))
    bad.write_csv(second)
    with pytest.raises(DataError, match=r"first in .*week 1.csv, row 7, column 'click': 7"):
        read(tmp_path, first, second)


def test_a_change_in_any_file_is_seen(tmp_path: Path) -> None:
    first, second = written(tmp_path, *halves(plain()))
    before = read(tmp_path, first, second)
    assert read(tmp_path, first, second).path == before.path
    halves(plain())[1].head(10).write_csv(second)
    os.utime(second, (1, 1))
    assert read(tmp_path, first, second).report.impressions == 130


SUFFIXES = ["csv", "jsonl", "parquet"]


def write(frame: pl.DataFrame, path: Path) -> Path:
    text = frame.write_csv() if path.suffix == ".csv" else frame.write_ndjson()
    frame.write_parquet(path) if path.suffix == ".parquet" else path.write_text(text)
    return path


def with_empty_parts(folder: Path, suffix: str) -> list[Path]:
    """Write a log with parts without rows, as Spark leaves them, and return those."""
    folder.mkdir()
    for place, half in zip((1, 3), halves(plain()), strict=True):
        write(half, folder / f"part-{place}.{suffix}")
    empty = [folder / f"part-{place}.{suffix}" for place in (0, 2, 4)]
    if suffix == "parquet":
        return [write(plain().head(0), path) for path in empty]
    header = plain().head(0).write_csv() if suffix == "csv" else "\n"
    for path, text in zip(empty, ("", "\n", header), strict=True):
        path.write_text(text)
    return empty


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_parts_without_rows_are_passed_over_with_a_note(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "log"
    empty = with_empty_parts(folder, suffix)
    found = read(tmp_path, folder)
    assert found.report.impressions == 200
    notes = [note for note in found.report.notes if "passed over" in note]
    assert notes == [f"{path} is passed over: it holds no rows" for path in empty]
    with unpacking(tmp_path / "cache") as unpacked:
        tables = find_tables(folder, unpacked)
    assert tables.paths == [folder / f"*.{suffix}"]
    assert (tables.main.total, tables.main.exact, tables.left) == (200, True, [])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_log_without_rows_is_refused(tmp_path: Path, suffix: str) -> None:
    empty = with_empty_parts(tmp_path / "log", suffix)
    with pytest.raises(DataError, match=rf"^{empty[0]}: (is empty|holds no rows)$"):
        read(tmp_path, *empty)
    for path in {*(tmp_path / "log").iterdir()} - {*empty}:
        path.unlink()
    with unpacking(tmp_path / "cache") as unpacked, pytest.raises(DataError) as caught:
        find_tables(tmp_path / "log", unpacked)
    assert str(caught.value).startswith(f"{tmp_path}/log: holds no table that can be read: ")


def test_a_packed_part_without_rows_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    plain().write_csv(folder / "part-0.csv")
    (folder / "part-1.csv.gz").write_bytes(gzip.compress(b""))
    assert read(tmp_path, folder).report.impressions == 200


def test_where_a_part_is_empty_what_is_wrong_in_another_is_still_found(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    with_empty_parts(folder, "csv")
    bad = halves(plain())[1].with_columns(click=pl.when(ROW == 5).then(7).otherwise("click"))
    bad.write_csv(folder / "part-3.csv")
    with pytest.raises(DataError, match=r"first in .*part-3.csv, row 7, column 'click': 7"):
        read(tmp_path, folder)


def test_an_empty_part_may_be_the_first_of_a_divided_log(tmp_path: Path) -> None:
    for name in ("train", "valid"):
        (tmp_path / f"{name}-0.csv").touch()
        plain().write_csv(tmp_path / f"{name}-1.csv")
    with unpacking(tmp_path / "cache") as unpacked:
        tables = find_tables(tmp_path, unpacked)
    assert tables.files == {
        "train": [tmp_path / "train-*.csv"],
        "validation": [tmp_path / "valid-*.csv"],
    }
    assert len(tables.main.rows) == 200
