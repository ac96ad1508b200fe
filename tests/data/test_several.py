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
from clickthrough.errors import DataError
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
