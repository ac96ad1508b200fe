"""A model that tests of its doors share."""

import polars as pl
import pytest

from clickthrough import ClickModel, fit

QUICK = {"training.epochs": 1, "training.threads": 1}


@pytest.fixture(scope="session")
def model(log: pl.DataFrame) -> ClickModel:
    """A model of the frame, two families compared; no test may change it."""
    frame = log.to_pandas()
    frame.index = frame.index + 10_000
    return fit(frame, "clicked", models=["lr", "lightgbm"], set=QUICK)
