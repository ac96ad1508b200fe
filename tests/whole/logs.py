"""A plain log of two hundred impressions, which each row of a table bends into another shape."""

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import polars as pl

ROWS = 200
ROW = pl.int_range(pl.len())
CLICK = pl.col("click")


def plain(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """Return impressions with a user, an item, a place, a price and a time of their own."""
    rng = np.random.default_rng(seed)
    start = datetime(2024, 1, 1)
    return pl.DataFrame(
        {
            "click": rng.integers(0, 2, rows),
            "user_id": rng.integers(1, 20, rows),
            "item_id": rng.integers(100, 130, rows),
            "slot": rng.choice(["a", "b", "c"], rows),
            "price": np.round(rng.random(rows) * 10, 2),
            "time": [start + timedelta(minutes=7 * row) for row in range(rows)],
        }
    )


def with_ids(write: Callable[[int], object]) -> pl.DataFrame:
    """Return it with ids of another form."""
    frame = plain()
    made = {n: [write(int(one)) for one in frame[n]] for n in ("user_id", "item_id")}
    return frame.with_columns(pl.Series(name, values) for name, values in made.items())


def with_column(values: list[object] | pl.Series, dtype: pl.DataType | None = None) -> pl.DataFrame:
    """Return it with one column more, ``extra``."""
    return plain().with_columns(pl.Series("extra", values, dtype))
