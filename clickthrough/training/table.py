"""A part of a log, encoded: what a model is trained and evaluated on."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.plan import KeySet
from clickthrough.features.table import encoder_columns, request_chunks, request_offsets
from clickthrough.schema import Schema

_CHUNK = 200_000
ITEM = KeySet(("item",))
"""The key of the smoothed item rate, a baseline of every table."""


@dataclass(frozen=True)
class Table:
    """Encoded impressions with a known label, those of a request side by side.

    Attributes:
        inputs: ids and numbers, n rows.
        labels: 0 or 1, int8, shape (n,).
        offsets: where each request starts, and the end, shape (requests + 1,).
        item_rate: smoothed click rate of the item as of each row, shape (n,).
    """

    inputs: Encoded
    labels: NDArray[np.int8]
    offsets: NDArray[np.int64]
    item_rate: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.labels)


def encode_table(frame: pl.DataFrame, encoder: Encoder, schema: Schema) -> Table:
    """Encode impressions with their history, in order of ``row``.

    Request-relative features see the whole request; rows whose label is not known are then
    left out.
    """
    encoded = encode_frame(frame, encoder, schema)
    known = frame["label"].is_not_null().to_numpy()
    request = frame.filter(known).select(pl.col("request_id"))
    return Table(
        inputs=encoded[known],
        labels=frame["label"].filter(known).to_numpy(),
        offsets=request_offsets(request),
        item_rate=_item_rate(frame, encoder)[known],
    )


def encode_frame(frame: pl.DataFrame, encoder: Encoder, schema: Schema) -> Encoded:
    """Encode impressions in chunks of whole requests."""
    parts = []
    for rows, offsets in request_chunks(request_offsets(frame), _CHUNK):
        columns = encoder_columns(frame[rows], encoder.plan, schema)
        parts.append(encoder.encode(columns, offsets))
    return Encoded.joined(parts)


def _item_rate(frame: pl.DataFrame, encoder: Encoder) -> NDArray[np.float64]:
    if ITEM.age not in frame.columns:
        return np.full(frame.height, encoder.prior)
    smoothing = encoder.plan.counters.smoothing
    impressions, clicks = (
        frame[name].cast(pl.Float64).fill_null(0.0).to_numpy() for name in ITEM.counts()
    )
    rate: NDArray[np.float64] = (clicks + smoothing * encoder.prior) / (impressions + smoothing)
    return rate
