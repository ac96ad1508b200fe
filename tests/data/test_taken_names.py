"""Columns of a log whose names mean something else here: left out, and told."""

from pathlib import Path

import polars as pl
import pytest

from clickthrough.config.data import TabularData
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.errors import DataError

FRAME = pl.DataFrame({"clicked": [0, 1], "uid": [7, 8], "slot": ["a", "b"]})


def opened(folder: Path, frame: pl.DataFrame, **data: object) -> Dataset:
    frame.write_parquet(folder / "log.parquet")
    values = {
        "reader": "tabular",
        "path": folder / "log.parquet",
        "cache": folder / "cache",
        "roles": {"label": "clicked", "user": "uid"},
        **data,
    }
    return open_dataset(TabularData.model_validate(values))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("row", "clickthrough calls a column of its own so"),
        ("part", "clickthrough calls a column of its own so"),
        ("user", "its name is that of a role, which column 'uid' has"),
        ("label", "its name is that of a role, which column 'clicked' has"),
        ("time", "its name is that of a role, which 'data.roles' gives to no column"),
        ("request_id", "its name is that of a role, which 'data.roles' gives to no column"),
    ],
)
def test_such_a_column_is_left_out_with_a_note(name: str, why: str, tmp_path: Path) -> None:
    dataset = opened(tmp_path, FRAME.with_columns(pl.Series(name, ["x", "y"])))
    assert dataset.report.notes == [f"column '{name}' is left out: {why}"]
    assert dataset.schema.fields == {"user": "int", "slot": "str"}
    assert dataset.impressions().collect()["user"].to_list() == [7, 8]


def test_of_a_dropped_one_nothing_is_said(tmp_path: Path) -> None:
    frame = FRAME.with_columns(row=pl.lit(1))
    assert opened(tmp_path, frame, drop=["row"]).report.notes == []


def test_a_column_that_could_have_a_role_and_has_none_is_a_field(tmp_path: Path) -> None:
    dataset = opened(tmp_path, FRAME.with_columns(item=pl.lit("x")))
    assert dataset.schema.fields["item"] == "str"


def test_a_number_that_stands_for_a_missing_one_is_refused(tmp_path: Path) -> None:
    frame = FRAME.with_columns(uid=pl.Series([7, -(2**63)]))
    says = r"column 'uid' holds -9223372036854775808, which stands for a missing value"
    with pytest.raises(DataError, match=says):
        opened(tmp_path, frame)


def test_entries_of_lists_beyond_64_bits_are_refused(tmp_path: Path) -> None:
    tags = pl.Series([[1], [1, 2**63]], dtype=pl.List(pl.UInt64))
    says = r"column 'tags' holds 9223372036854775808, .* exactly; leave it out with 'drop'$"
    with pytest.raises(DataError, match=says):
        opened(tmp_path, FRAME.with_columns(tags=tags))


def test_a_column_of_no_moments_is_no_time(tmp_path: Path) -> None:
    frame = FRAME.with_columns(ts=pl.Series([1, 2]).cast(pl.Duration))
    says = r"log.parquet: column 'ts' is of type Duration.*, which holds no moments"
    with pytest.raises(DataError, match=says):
        opened(tmp_path, frame, roles={"label": "clicked", "time": "ts"})
