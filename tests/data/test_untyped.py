"""Columns of nothing but missing values have no type, and no feature."""

from pathlib import Path

import polars as pl
import pytest

from clickthrough.config.data import TabularData
from clickthrough.data import untyped
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset

LOG = "clicked,who,device,place\n0,7,,\n1,8,,top\n0,9,,\n"


def opened(path: Path, **data: object) -> Dataset:
    roles = {"label": "clicked", "user": "who"}
    values = {"reader": "tabular", "path": path, "cache": path.parent / "cache", "roles": roles}
    return open_dataset(TabularData.model_validate({**values, **data}))


def log_of(folder: Path, end: str) -> Path:
    path = folder / f"log.{end}"
    path.write_text(LOG)
    if end == "parquet":
        frame = pl.read_csv(LOG.encode()).with_columns(device=None)
        frame.write_parquet(path)
    return path


@pytest.mark.parametrize("end", ["csv", "parquet"])
def test_a_column_without_a_value_is_absent_and_told(end: str, tmp_path: Path) -> None:
    dataset = opened(log_of(tmp_path, end))
    assert dataset.schema.fields == {"user": "int", "place": "str"}
    assert dataset.schema.absent == ["device"]
    assert dataset.report.notes == ["column 'device' holds nothing: features of it are left out"]


def test_a_type_that_is_given_holds(tmp_path: Path) -> None:
    dataset = opened(log_of(tmp_path, "csv"), types={"device": "str"})
    assert dataset.schema.fields["device"] == "str"
    assert dataset.schema.absent == []


def test_a_parquet_file_knows_the_types_of_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    frame = pl.read_csv(LOG.encode()).with_columns(device=pl.lit(None, pl.Float64))
    frame.write_parquet(path)
    assert opened(path).schema.fields["device"] == "float"


def test_a_late_value_is_a_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untyped, "_FIRST_ROWS", 1)
    dataset = opened(log_of(tmp_path, "csv"))
    assert dataset.schema.absent == ["device"]


def test_a_user_without_a_value_is_still_the_user(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("clicked,who,place\n0,,a\n1,,b\n")
    assert "user" in opened(path).schema.fields
