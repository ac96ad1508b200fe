"""A part of a log, encoded: what a model is trained and evaluated on."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.errors import DataError
from clickthrough.features.columns import KeySet
from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.encoding.numeric import POSITION
from clickthrough.features.plan import Plan
from clickthrough.features.table import encoder_columns, places, request_chunks, request_offsets
from clickthrough.schema import Schema

_CHUNK = 50_000
ITEM = KeySet(("item",))
"""The key of the smoothed item rate, a baseline of every table."""


@dataclass(frozen=True)
class Table:
    """Encoded impressions with a known label, those of a request side by side.

    Attributes:
        inputs: ids and numbers, n rows.
        labels: 0 or 1, int8, shape (n,).
        offsets: where each request starts, and the end, shape (requests + 1,).
        rates: key set -> its smoothed all-time click rate as of each row, float32, shape (n,): of
            the item, and of every key that the plan counts.
        weights: of each row in the loss, float32, shape (n,); all alike by default.
    """

    inputs: Encoded
    labels: NDArray[np.int8]
    offsets: NDArray[np.int64]
    rates: dict[str, NDArray[np.float32]]
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def requests(self, first: int, last: int) -> "Table":
        """Return some of the requests, without a copy of their inputs."""
        offsets = self.offsets[first : last + 1]
        rows = slice(int(offsets[0]), int(offsets[-1]))
        return Table(
            self.inputs[rows],
            self.labels[rows],
            np.asarray(offsets - offsets[0]),
            {name: rate[rows] for name, rate in self.rates.items()},
            None if self.weights is None else self.weights[rows],
        )


def encode_table(
    frame: pl.DataFrame,
    encoder: Encoder,
    schema: Schema,
    to_train: bool = False,
    weight: str | None = None,
) -> Table:
    """Encode impressions with their history, in order of ``row``.

    Request-relative features see the whole request; rows whose label is not known are then
    left out.

    Args:
        frame: impressions of whole requests.
        encoder: a fitted one.
        schema: the log's columns.
        to_train: whether the places of candidates may be seen.
        weight: the field of weights.

    Raises:
        DataError: a weight is missing or negative.
    """
    encoded = encode_frame(frame, encoder, schema, to_train)
    known = frame["label"].is_not_null().to_numpy()
    request = frame.filter(known).select(pl.col("request_id"))
    return Table(
        inputs=encoded[known],
        labels=frame["label"].filter(known).to_numpy(),
        offsets=request_offsets(request),
        rates=_rates(frame.filter(known), encoder),
        weights=_weights(frame.filter(known), weight) if weight else None,
    )


def _weights(frame: pl.DataFrame, field: str) -> NDArray[np.float32]:
    weight = pl.col(field).cast(pl.Float64)
    wrong = frame.filter(weight.is_null() | ~weight.is_finite() | (weight < 0))
    if wrong.height:
        found = wrong[field][0]
        raise DataError(
            f"training.weight: row {wrong['row'][0]}: field '{field}': expected a number that is "
            f"not negative, found {'nothing' if found is None else found}"
        )
    return frame.select(weight.cast(pl.Float32)).to_series().to_numpy()


def encode_frame(
    frame: pl.DataFrame, encoder: Encoder, schema: Schema, to_train: bool = False
) -> Encoded:
    """Encode impressions in chunks of whole requests; see :func:`encode_table`."""
    parts = []
    for rows, offsets in request_chunks(request_offsets(frame), _CHUNK):
        columns = encoder_columns(frame[rows], encoder.plan, schema)
        if to_train:
            columns[POSITION] = places(offsets)
        parts.append(encoder.encode(columns, offsets))
    return Encoded.joined(parts)


def _rates(frame: pl.DataFrame, encoder: Encoder) -> dict[str, NDArray[np.float32]]:
    """Return the rate of each counted key, whether or not the declaration asks for it.

    A key that is not known yet, or of which a part is missing, has the prior.
    """
    return {key.name: _rate(frame, key, encoder) for key in rated(encoder.plan)}


def rated(plan: Plan) -> list[KeySet]:
    """Return the keys whose rates stand beside a table: the item, and those that a plan counts."""
    keys = dict.fromkeys([ITEM.fields, *(k.fields for k in plan.key_sets if counts(plan, k))])
    return [KeySet(key) for key in keys]


def counts(plan: Plan, key_set: KeySet) -> bool:
    """Say whether a plan counts a key's impressions or clicks, and not only its age."""
    counted = set(key_set.columns()) - {key_set.age}
    return any(not counted.isdisjoint(measure.inputs) for measure in plan.measures)


def _rate(frame: pl.DataFrame, key_set: KeySet, encoder: Encoder) -> NDArray[np.float32]:
    if key_set.age not in frame.columns:
        return np.full(frame.height, encoder.prior, np.float32)
    smoothing = encoder.plan.counters.smoothing
    impressions, clicks = (pl.col(name).cast(pl.Float64).fill_null(0) for name in key_set.counts())
    rate = (clicks + smoothing * encoder.prior) / (impressions + smoothing)
    return frame.select(rate.cast(pl.Float32)).to_series().to_numpy()
