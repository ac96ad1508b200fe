"""The batch side of encoding: rows of a frame as the encoder's columns, request by request."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.features.columns import SequenceSet
from clickthrough.features.encoding.vocabulary import LONGEST, shortened
from clickthrough.features.plan import Plan
from clickthrough.features.rows import LISTS
from clickthrough.schema import MISSING_INT, Columns, FieldType, Schema


def encoder_columns(frame: pl.DataFrame, plan: Plan, schema: Schema) -> Columns:
    """Return the columns that the encoder reads, by our names."""
    columns: Columns = {"time": frame["time"].to_numpy()}
    lengths = plan.list_lengths
    for name in plan.fields:
        columns[name] = field_array(frame[name], schema.fields[name], lengths.get(name, 0))
    for key_set in plan.key_sets:
        for name in key_set.columns():
            columns[name] = frame[name].cast(pl.Float64).to_numpy()
    for sequence in plan.sequence_sets:
        columns[sequence.name] = sequence_array(frame, sequence, schema.fields[sequence.field])
        columns[sequence.size] = frame[sequence.size].cast(pl.Float64).to_numpy()
    return columns


def places(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each row in its request, from 1, shape (n,).

    >>> places(np.array([0, 2, 3])).tolist()
    [1, 2, 1]
    """
    sizes = np.diff(offsets)
    return np.arange(1, int(offsets[-1]) + 1) - np.repeat(offsets[:-1], sizes)


def sequence_array(
    frame: pl.DataFrame, sequence: SequenceSet, kind: FieldType
) -> NDArray[np.generic]:
    """Return a sequence's values, shape (n, length), the latest first."""
    return np.stack([field_array(frame[name], kind) for name in sequence.places], axis=1)


def field_array(values: pl.Series, kind: FieldType, length: int = 0) -> NDArray[np.generic]:
    """Return a field as the encoder's array of its type; lists are cut to ``length``."""
    if kind in LISTS:
        places = [values.list.get(place, null_on_oob=True) for place in range(length)]
        return np.stack([field_array(place, LISTS[kind]) for place in places], axis=1)
    if kind == "float":
        return values.fill_null(np.nan).to_numpy()
    if kind == "str":
        texts = values.fill_null("").cast(pl.Binary)
        found = texts.to_list()
        if (texts.bin.size() > LONGEST).any():  # an array is as wide as its longest text
            found = [*map(shortened, found)]
        return np.array(found, np.bytes_)
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
