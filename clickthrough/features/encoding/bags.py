"""Several ids an impression, with weights: bags of values and sequences of clicks."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.columns import BagColumn
from clickthrough.features.encoding.vocabulary import MISSING, Vocabulary
from clickthrough.schema import Columns

T = TypeVar("T", bound=np.generic)

_HEAVIEST = 1e100
"""A weight is held at this, so that no sum of them overflows."""


def encode_bag(
    column: BagColumn, vocabulary: Vocabulary, columns: Columns
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Encode one bag.

    Returns:
        Ids and weights, each of shape (n, length). The weights of an impression sum to 1, or to 0
        where it has no values; a missing value weighs 0.
    """
    values = _fitted(columns[column.column], column.length)
    ids = vocabulary.encode(values.ravel()).reshape(values.shape)
    weights = (ids != MISSING).astype(np.float64)
    if column.weights is not None:
        given = _fitted(columns[column.weights], column.length).astype(np.float64)
        weights = weights * cleaned_weights(given)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    return _padded(ids, column.length), _padded(weights.astype(np.float32), column.length)


def cleaned_weights(given: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of values: missing, infinite and negative ones as 0, huge ones held."""
    sound = (given > 0) & (given < np.inf)
    return np.where(sound, np.minimum(given, _HEAVIEST), 0.0)


def _fitted(values: NDArray[np.generic], length: int) -> NDArray[np.generic]:
    return np.ascontiguousarray(values[:, :length])


def _padded(values: NDArray[T], length: int) -> NDArray[T]:
    if values.shape[1] == length:
        return values
    made = np.zeros((len(values), length), values.dtype)
    made[:, : values.shape[1]] = values
    return made
