"""Impressions as ``score.py`` reads them: raw values of ids, numbers before scaling."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.features.columns import BagColumn, IdColumn
from clickthrough.features.encoding.calendar import day_of_week, hour_of_day
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.encoding.numeric import numeric_values
from clickthrough.schema import MISSING_INT, Columns

Values = Sequence[object]


@dataclass(frozen=True)
class Example:
    """Some impressions, and what a bundle answers.

    Attributes:
        rows: each impression's values by the names of the columns; None where missing. An id column
            has an int or a text, a bag pairs of value and weight, a numeric column a float.
        probabilities: of a click, shape (n,).
    """

    rows: list[dict[str, Any]]
    probabilities: NDArray[np.float64]


def make_example(bundle: Bundle, columns: Columns, offsets: NDArray[np.int64]) -> Example:
    """Return impressions by their raw values, with the bundle's answers.

    Args:
        bundle: what answers.
        columns: what its encoder reads, each of shape (n,).
        offsets: where each request starts, and the end, shape (requests + 1,).
    """
    encoder = bundle.encoder
    encoded = encoder.encode(columns, offsets)
    logits = bundle.model.logits(encoded)
    made = {**_ids(encoder, columns), **_numbers(encoder, columns, offsets)}
    rows = [dict(zip(made, row, strict=True)) for row in zip(*made.values(), strict=True)]
    return Example(rows, bundle.calibrator.probability(logits, encoded.ids))


def plain(value: object) -> int | str | None:
    """Return a value of a column as Python has it; None where it is missing."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape") or None  # a digest may cut a letter
    number = int(value)  # type: ignore[call-overload]
    return None if number == MISSING_INT else number


def _ids(encoder: Encoder, columns: Columns) -> dict[str, Values]:
    plan = encoder.plan
    made: dict[str, Values] = {c.name: _values(c, columns, plan.timezone) for c in plan.ids}
    return made | {bag.name: _pairs(bag, columns) for bag in plan.bags}


def _values(column: IdColumn, columns: Columns, timezone: str) -> Values:
    values = columns[column.field]
    if column.source in ("hour", "weekday"):
        part = hour_of_day if column.source == "hour" else day_of_week
        return [int(value) for value in part(values.astype(np.int64), timezone)]
    return [plain(value) for value in values.tolist()]


def _pairs(bag: BagColumn, columns: Columns) -> Values:
    """Return the known values of a bag with their weights, missing and negative ones as 0."""
    values = columns[bag.column][:, : bag.length]
    weights: NDArray[Any] = np.ones(values.shape)
    if bag.weights is not None:
        given = columns[bag.weights][:, : bag.length].astype(np.float64)
        weights = np.clip(np.nan_to_num(given), 0.0, 1e100)
    pairs = zip(values.tolist(), weights.tolist(), strict=True)
    return [_known(row, row_weights) for row, row_weights in pairs]


def _known(values: list[object], weights: list[float]) -> list[list[object]]:
    pairs = zip(map(plain, values), weights, strict=True)
    return [[value, weight] for value, weight in pairs if value is not None]


def _numbers(encoder: Encoder, columns: Columns, offsets: NDArray[np.int64]) -> dict[str, Values]:
    numbers = numeric_values(encoder.plan, encoder.prior, columns, offsets)
    return {
        column.name: [None if np.isnan(v) else v for v in numbers[:, place].tolist()]
        for place, column in enumerate(encoder.plan.numeric)
    }
