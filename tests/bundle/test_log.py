"""The log of a bundle, or another in its place."""

from pathlib import Path

import polars as pl
import pytest

from clickthrough.bundle.load import Bundle
from clickthrough.bundle.log import log_of
from clickthrough.errors import DataError


def test_it_is_the_log_of_training(bundle: Bundle) -> None:
    assert set(bundle.plan.fields) <= set(log_of(bundle).schema.fields)


def test_a_log_that_lacks_columns_is_named_with_them(bundle: Bundle, tmp_path: Path) -> None:
    whole = pl.read_csv(bundle.config.data.paths[0], infer_schema=False)
    others = [field for field in bundle.plan.fields if field not in bundle.schema.roles]
    names = [bundle.schema.input_name(field) for field in others]
    column = next(name for name in names if name in whole.columns)
    whole.drop(column).write_csv(tmp_path / "less.csv")
    with pytest.raises(DataError, match=rf"less.csv: lacks {column}, which the bundle .*; found: "):
        log_of(bundle, tmp_path / "less.csv")
