"""What the answer must name: fields that were missing, values that were never met."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.features.encoding.vocabulary import UNSEEN
from clickthrough.features.rows import Rows
from clickthrough.schema import MISSING_INT, Columns


@dataclass(frozen=True)
class Findings:
    """For each row, the log's names of its missing and of its unseen fields."""

    missing: list[list[str]]
    unseen: list[list[str]]


def find(bundle: Bundle, rows: Rows, columns: Columns, ids: NDArray[np.int32]) -> Findings:
    """Look for missing and unseen fields.

    A value is unseen where its field's vocabulary does not hold it, or where the counters of
    that field alone have never met it.
    """
    names = bundle.schema.input_name
    missing = {names(field): _missing(columns[field]) for field in bundle.plan.fields}
    unseen = {
        names(column.name): ids[:, place] == UNSEEN
        for place, column in enumerate(bundle.plan.ids)
        if column.source == "field"
    }
    for key_set in bundle.plan.key_sets:
        if len(key_set.fields) == 1:
            name = names(key_set.fields[0])
            never = np.isnan(columns[key_set.column("age")].astype(np.float64)) & ~missing[name]
            unseen[name] = unseen.get(name, False) | never
    return Findings(_by_row(missing, len(rows)), _by_row(unseen, len(rows)))


def _missing(values: NDArray[np.generic]) -> NDArray[np.bool_]:
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
