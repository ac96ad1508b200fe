"""A column has the type that the reader of training gives it."""

from pathlib import Path

import polars as pl
import pytest

from clickthrough.data.columns import field_type
from clickthrough.data.scan import scan
from clickthrough.init.profile import is_whole, profile
from clickthrough.init.sample import read_sample


@pytest.mark.parametrize(
    "values",
    [
        ["+5", "1.5", "2"], ["+5", "3"], ["+1.5", "2"], [".5", "1."], ["1e5", "2"], ["1.e5", "2"],
        ["inf", "1.5"], ["-inf", "2"], ["NaN", "2"], ["nan", "2"], ["Infinity", "2"],
        ["True", "FALSE"], ["true", "1"], [" 5", "6"], ["-0", "1"], ["1_000", "2"], ["", "1"],
        ['""', "1"], ["-", "1"], ["0x1", "2"], ["1e400", "1"],
    ],
)  # fmt: skip
def test_texts_are_numbers_where_training_reads_numbers(values: list[str], tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("n,z\n" + "".join(f"{value},q\n" for value in values))
    sample = read_sample(tmp_path / "log.csv")
    read = scan(tmp_path / "log.csv", sample.form).collect_schema()["n"]
    made = profile(sample.rows).columns["n"]
    assert made.type == field_type("n", read, "log.csv")


def test_fractions_that_are_not_exact_are_no_ids() -> None:
    assert is_whole(pl.Series([1.0, None, 7.0]))
    assert not is_whole(pl.Series([1.0, 7.5]))
    assert not is_whole(pl.Series([1.0, 2.0**60]))
