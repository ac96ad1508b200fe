"""Rows of any values and numbers, and what a bundle says of them: no log is needed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.export.classic.example import answered
from clickthrough.export.example import Example
from clickthrough.features.columns import BagColumn
from clickthrough.schema import MISSING_INT, Columns

_ROWS = 1_000
_MOMENTS = 1 << 51
"""Microseconds since 1970: until 2041."""
_ODD = 0.2
"""The share of values that are missing or in no vocabulary, at least."""
_NO_TEXT, _NO_NUMBER = (
    "a text that is longer than what a vocabulary holds of it: é".encode(),
    1 << 62,
)


def trial_example(bundle: Bundle, rows: int = _ROWS, seed: int = 0) -> Example:
    """Return rows of known, missing and unseen values, of numbers within bounds and beyond.

    Args:
        bundle: what answers.
        rows: how many.
        seed: of the values.
    """
    rng = np.random.default_rng(seed)
    encoder, plan = bundle.encoder, bundle.plan
    columns: Columns = {"time": rng.integers(0, _MOMENTS, rows)}
    for column in plan.ids:
        if column.source in ("field", "hashed"):
            columns[column.field] = _drawn(rng, _pool(bundle, column.field), (rows,))
    for bag in sorted(plan.bags, key=lambda one: one.length):  # of one field the longest holds
        columns |= _bag(rng, _pool(bundle, bag.field), bag, rows)
    scalers = [encoder.scalers[column.name] for column in plan.numeric]
    means, scales = (np.array([getattr(s, name) for s in scalers]) for name in ("mean", "scale"))
    numbers = rng.normal(means, 3 * scales, (rows, len(scalers)))
    numbers[rng.random(numbers.shape) < _ODD] = np.nan
    return answered(bundle, columns, numbers)


def _pool(bundle: Bundle, field: str) -> NDArray[Any]:
    """Return values of a field, some of a missing one and of one that no log has at the end."""
    text = bundle.schema.fields[field] in ("str", "strs")
    vocabulary = bundle.encoder.vocabularies.get(field)
    numbers = np.arange(-500, 500)
    some = np.char.mod("%d", numbers).astype(np.bytes_) if text else numbers
    known = some if vocabulary is None else np.asarray(vocabulary.values)
    odd = np.array([b"", _NO_TEXT] if text else [MISSING_INT, _NO_NUMBER])
    return np.concatenate([known, odd])


def _drawn(rng: np.random.Generator, pool: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    odd, any_ = rng.integers(-2, 0, shape), rng.integers(0, len(pool), shape)
    made: NDArray[Any] = pool[np.where(rng.random(shape) < _ODD, odd, any_)]
    return made


def _bag(rng: np.random.Generator, pool: NDArray[Any], bag: BagColumn, rows: int) -> Columns:
    shape = (rows, bag.length)
    columns: Columns = {bag.column: _drawn(rng, pool, shape)}
    if bag.weights is not None:
        columns[bag.weights] = _drawn(rng, np.array([0.25, 1.0, 3.0, -1.0, np.nan]), shape)
    return columns
