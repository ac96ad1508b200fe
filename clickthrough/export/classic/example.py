"""Impressions as ``inference.py`` reads them: raw values of ids, numbers before scaling."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.export.example import Example
from clickthrough.features.columns import BagColumn, IdColumn
from clickthrough.features.encoding.bags import cleaned_weights
from clickthrough.features.encoding.encoder import TIME_SIZES, Encoded, Encoder
from clickthrough.features.encoding.numeric import numeric_values
from clickthrough.features.encoding.vocabulary import FIRST_KNOWN
from clickthrough.schema import MISSING_INT, Columns

Values = Sequence[object]


def make_example(bundle: Bundle, columns: Columns, offsets: NDArray[np.int64]) -> Example:
    """Return impressions by the values of their columns, with the bundle's answers.

    A value is None where it is missing. An id column has an int or a text, a bag pairs of value and
    weight, a numeric column a float.

    Args:
        bundle: what answers.
        columns: what its encoder reads, each of shape (n,).
        offsets: where each request starts, and the end, shape (requests + 1,).
    """
    encoder = bundle.encoder
    given = encoder.plan, encoder.prior, columns, offsets, encoder.kin
    return answered(bundle, columns, numeric_values(*given))


def answered(bundle: Bundle, columns: Columns, numbers: NDArray[np.float64]) -> Example:
    """Return impressions whose numbers are made, with the bundle's answers.

    Args:
        bundle: what answers.
        columns: what its ids and bags are made of, each of shape (n,).
        numbers: of its numeric columns before scaling, shape (n, columns).
    """
    encoder, rows = bundle.encoder, len(numbers)
    bags = encoder.bags(columns, rows)
    encoded = Encoded(encoder.ids(columns, rows), encoder.scale(numbers), *bags)
    made = {**_ids(encoder, columns), **_numbers(encoder, numbers)}
    said = [dict(zip(made, row, strict=True)) for row in zip(*made.values(), strict=True)]
    logits = bundle.model.logits(encoded)
    return Example(said, bundle.calibrator.probability(logits, encoded.ids))


def plain(value: object) -> int | str | None:
    """Return a value of a column as Python has it; None where it is missing."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape") or None  # a digest may cut a letter
    number = int(value)  # type: ignore[call-overload]
    return None if number == MISSING_INT else number


def _ids(encoder: Encoder, columns: Columns) -> dict[str, Values]:
    plan = encoder.plan
    made: dict[str, Values] = {c.name: _values(c, columns, encoder) for c in plan.ids}
    return made | {bag.name: _pairs(bag, columns) for bag in plan.bags}


def _values(column: IdColumn, columns: Columns, encoder: Encoder) -> Values:
    values = columns[column.field]
    if column.source in TIME_SIZES:
        parts: Values = (encoder.ids_of(column, values) - FIRST_KNOWN).tolist()
        return parts
    return [plain(value) for value in values.tolist()]


def _pairs(bag: BagColumn, columns: Columns) -> Values:
    """Return the known values of a bag with their weights."""
    values = columns[bag.column][:, : bag.length]
    weights: NDArray[Any] = np.ones(values.shape)
    if bag.weights is not None:
        given = columns[bag.weights][:, : bag.length].astype(np.float64)
        weights = cleaned_weights(given)
    pairs = zip(values.tolist(), weights.tolist(), strict=True)
    return [_known(row, row_weights) for row, row_weights in pairs]


def _known(values: list[object], weights: list[float]) -> list[list[object]]:
    pairs = zip(map(plain, values), weights, strict=True)
    return [[value, weight] for value, weight in pairs if value is not None]


def _numbers(encoder: Encoder, numbers: NDArray[np.float64]) -> dict[str, Values]:
    return {
        column.name: [None if np.isnan(v) else v for v in numbers[:, place].tolist()]
        for place, column in enumerate(encoder.plan.numeric)
    }
