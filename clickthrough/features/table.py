"""The batch side of features: a log's impressions with their history, as encoder columns."""

from collections.abc import Iterator

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.features.history.batch import with_history
from clickthrough.features.plan import KeySet, Plan
from clickthrough.schema import MISSING_INT, Columns, FieldType, Schema


def feature_rows(rows: pl.LazyFrame, events: pl.LazyFrame, plan: Plan, also: list[KeySet]
                 ) -> pl.LazyFrame:  # fmt: skip
    """Add history to impressions.

    Args:
        rows: impressions, with ``row``.
        events: the impressions that count (all of them, or those before a moment: frozen).
        plan: which key sets.
        also: key sets wanted beside the plan's.

    Returns:
        The rows with their history columns, in order of ``row``.
    """
    planned = {key_set.fields: key_set for key_set in plan.key_sets}
    key_sets = list(({key_set.fields: key_set for key_set in also} | planned).values())
    needed = {field for key_set in key_sets for field in key_set.fields}
    made = with_history(
        nw.from_native(rows),
        nw.from_native(events.select("time", "label", *needed)),
        key_sets,
        plan.counters,
    )
    native: pl.LazyFrame = made.to_native()
    return native.sort("row")


def encoder_columns(frame: pl.DataFrame, plan: Plan, schema: Schema) -> Columns:
    """Return the columns that the encoder reads, by our names."""
    columns: Columns = {"time": frame["time"].to_numpy()}
    for name in plan.fields:
        columns[name] = field_array(frame[name], schema.fields[name])
    for name in frame.columns:
        if "." in name and name.rsplit(".", 1)[0] in {k.name for k in plan.key_sets}:
            columns[name] = frame[name].cast(pl.Float64).to_numpy()
    return columns


def field_array(values: pl.Series, kind: FieldType) -> NDArray[np.generic]:
    """Return a field as the encoder's array of its type."""
    if kind == "float":
        return values.fill_null(np.nan).to_numpy()
    if kind == "str":
        return np.array(values.fill_null("").cast(pl.Binary).to_list(), np.bytes_)
    return values.fill_null(MISSING_INT).to_numpy()


def request_offsets(frame: pl.DataFrame) -> NDArray[np.int64]:
    """Return where each request starts, and the end, shape (requests + 1,)."""
    changed = frame.select(pl.col("request_id").rle_id()).to_series().to_numpy()
    starts = np.flatnonzero(np.diff(changed, prepend=-1))
    return np.append(starts, frame.height).astype(np.int64)


def request_chunks(
    offsets: NDArray[np.int64], most: int
) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Divide rows into chunks of about ``most`` rows that never divide a request.

    Yields:
        The rows of a chunk, and its own request offsets.
    """
    first = 0
    while first < len(offsets) - 1:
        last = int(np.searchsorted(offsets, offsets[first] + most, side="right")) - 1
        last = max(last, first + 1)
        chosen = offsets[first : last + 1]
        yield slice(int(chosen[0]), int(chosen[-1])), chosen - chosen[0]
        first = last
