"""Side tables beside a converted log: rows by key, typed and called as they are in the log."""

from pathlib import Path
from typing import Any

import polars as pl

from clickthrough.config.data import TabularData
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset

LOG = pl.DataFrame({"clicked": [0, 1, 0, 1], "ad": [7, 8, 7, 9], "place": ["a", "b", "a", None]})


def converted(
    folder: Path, log: pl.DataFrame, tables: dict[str, pl.DataFrame], **data: object
) -> Dataset:
    log.write_parquet(folder / "log.parquet")
    joins = []
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
        joins.append({"file": folder / f"{name}.parquet", "on": table.columns[0]})
    said = {"reader": "tabular", "path": folder / "log.parquet", "cache": folder / "cache",
            "roles": {"label": "clicked", "item": "ad"}, "joins": joins}  # fmt: skip
    return open_dataset(TabularData.model_validate(said | data))


def rows(dataset: Dataset, place: int = 0) -> list[dict[str, Any]]:
    return dataset.side(dataset.sides[place]).collect().to_dicts()


def test_rows_are_those_of_the_table_whether_they_were_shown_or_not(tmp_path: Path) -> None:
    ads = pl.DataFrame({"ad": [9, 6, 7], "firm": ["x", "", None], "size": [1.5, float("inf"), 2.0]})
    for _ in range(2):  # the second time out of the cache
        dataset = converted(tmp_path, LOG, {"ads": ads})
        (form,) = dataset.sides
        assert (form.name, form.columns) == ("ads.parquet", ("firm", "size"))
        assert (form.ways[0].key, form.ways[0].gives) == (
            ("item",),
            {"firm": "firm", "size": "size"},
        )
        assert rows(dataset) == [
            {"key:0": 9, "firm": "x", "size": 1.5},
            {"key:0": 6, "firm": None, "size": None},
            {"key:0": 7, "firm": None, "size": 2.0},
        ]


def test_a_key_with_gaps_is_the_whole_number_that_it_is_in_the_log(tmp_path: Path) -> None:
    log = LOG.with_columns(ad=pl.Series([7.0, 8.0, None, 9.0]))
    ads = pl.DataFrame({"ad": [9, 7, None], "firm": ["x", "y", "z"]})
    assert [row["key:0"] for row in rows(converted(tmp_path, log, {"ads": ads}))] == [9, 7]
    pages = pl.DataFrame({"page": [2, 1], "told": ["x", "y"]})
    log = LOG.with_columns(page=pl.Series([1.0, 2.0, None, 2.0]))
    (row, _) = rows(converted(tmp_path, log, {"pages": pages}))
    assert row == {"key:0": 2.0, "told": "x"}


def test_a_column_is_called_as_the_log_calls_it(tmp_path: Path) -> None:
    ads = pl.DataFrame({"ad": [7], "place": ["of the ad"], "item": [3], "kind": ["k"]})
    dataset = converted(tmp_path, LOG, {"ads": ads}, drop=["kind"])
    assert "place_right" in dataset.schema.fields
    assert rows(dataset) == [{"key:0": 7, "place_right": "of the ad"}]


def test_a_table_may_be_read_by_what_another_gives(tmp_path: Path) -> None:
    ads = pl.DataFrame({"ad": [7, 8], "firm": ["x", "y"]})
    firms = pl.DataFrame({"firm": ["y", "x"], "land": ["dk", None], "adult": [True, None]})
    dataset = converted(tmp_path, LOG, {"ads": ads, "firms": firms})
    assert [form.ways[0].key for form in dataset.sides] == [("item",), ("firm",)]
    assert rows(dataset, 1) == [
        {"key:0": "y", "land": "dk", "adult": 1}, {"key:0": "x", "land": None, "adult": None},
    ]  # fmt: skip


def test_what_no_service_could_find_by_its_key_is_no_table_of_its(tmp_path: Path) -> None:
    key = pl.Series([[1], [2], [1], [3]])
    side = pl.DataFrame({"key": key[1:].unique(maintain_order=True), "told": [1, 2, 3]})
    dataset = converted(tmp_path, LOG.with_columns(key=key), {"side": side})
    assert dataset.sides == []
    assert "told" in dataset.schema.fields


def test_a_key_that_is_dropped_is_none(tmp_path: Path) -> None:
    side = pl.DataFrame({"place": ["a", "b"], "told": [1, 2]})
    assert converted(tmp_path, LOG, {"side": side}, drop=["place"]).sides == []


def test_a_number_that_nobody_was_shown_ends_no_run(tmp_path: Path) -> None:
    big = pl.Series([2**63 + 5, 4, 5], dtype=pl.UInt64)
    ads = pl.DataFrame({"ad": [1, 7, 8], "size": big})
    found = rows(converted(tmp_path, LOG, {"ads": ads}))
    assert [row["size"] for row in found] == [None, 4, 5]
