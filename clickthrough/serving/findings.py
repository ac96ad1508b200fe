"""What the answer must name: fields that were missing, values that were never met."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.features.encoding.vocabulary import UNSEEN
from clickthrough.features.rows import Rows
from clickthrough.schema import MISSING_INT, Columns


@dataclass(frozen=True)
class Findings:
    """For each row, the log's names of its missing and of its unseen fields."""

    missing: list[list[str]]
    unseen: list[list[str]]


def find(bundle: Bundle, rows: Rows, columns: Columns, encoded: Encoded) -> Findings:
    """Look for missing and unseen fields.

    A value is unseen where its field's vocabulary does not hold it, or where the counters of
    that field alone have never met it.
    """
    names = bundle.schema.input_name
    missing = {names(field): _missing(columns[field]) for field in bundle.plan.fields}
    unseen: dict[str, NDArray[np.bool_]] = {}
    for field, mask in _unseen(bundle, columns, encoded):
        name = names(field)
        unseen[name] = unseen.get(name, np.zeros(len(rows), bool)) | mask
    return Findings(_by_row(missing, len(rows)), _by_row(unseen, len(rows)))


def _unseen(
    bundle: Bundle, columns: Columns, encoded: Encoded
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield fields with the rows in which their value was never met."""
    plan = bundle.plan
    for place, column in enumerate(plan.ids):
        if column.source == "field":
            yield column.field, encoded.ids[:, place] == UNSEEN
    end = 0
    for bag in plan.bags:
        start, end = end, end + bag.length
        if bag.column == bag.field:  # what a sequence holds was not sent by the caller
            yield bag.field, (encoded.bag_ids[:, start:end] == UNSEEN).any(axis=1)
    for key_set in plan.key_sets:
        if len(key_set.fields) == 1:
            field = key_set.fields[0]
            age = columns[key_set.age].astype(np.float64)
            yield field, np.isnan(age) & ~_missing(columns[field])


def _missing(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    if values.ndim == 2:
        return np.asarray(_missing(values.ravel()).reshape(values.shape).all(axis=1))
    if values.dtype.kind == "S":
        return np.asarray(values == b"")
    if values.dtype.kind == "f":
        return np.isnan(values.astype(np.float64, copy=False))
    return np.asarray(values == MISSING_INT)


def _by_row(found: dict[str, NDArray[np.bool_]], rows: int) -> list[list[str]]:
    named: list[list[str]] = [[] for _ in range(rows)]
    for name, mask in found.items():
        for place in np.flatnonzero(mask):
            named[place].append(name)
    return named
