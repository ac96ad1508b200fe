"""Encoded impressions, made up for tests of models and of what is trained on them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.shape import InputShape


def without_bags(ids: NDArray[Any], numeric: NDArray[Any]) -> Encoded:
    """Return impressions that have ids and numbers alone."""
    none = np.empty((len(ids), 0))
    return Encoded(ids, numeric, none.astype(np.int32), none.astype(np.float32))


def random_inputs(shape: InputShape, rows: int, seed: int = 0) -> Encoded:
    """Return random impressions of any shape; the weights of a bag sum to 1, or to 0 if empty."""
    rng = np.random.default_rng(seed)
    ids = [rng.integers(0, slot.size, (rows, 1)) for slot in shape.ids]
    numeric = rng.normal(1.0, 3.0, (rows, shape.numeric))
    bag_ids = [rng.integers(0, slot.size, (rows, slot.length)) for slot in shape.bags]
    weights = [_weights(rng, rows, slot.length) for slot in shape.bags]
    none = np.empty((rows, 0))
    return Encoded(
        np.concatenate([none, *ids], axis=1).astype(np.int32),
        numeric.astype(np.float32),
        np.concatenate([none, *bag_ids], axis=1).astype(np.int32),
        np.concatenate([none, *weights], axis=1).astype(np.float32),
    )


def _weights(rng: np.random.Generator, rows: int, length: int) -> NDArray[np.float64]:
    weights = rng.random((rows, length)) * (rng.random((rows, 1)) < 0.9)
    total = weights.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.zeros_like(weights)
    np.divide(weights, total, out=shares, where=total > 0)
    return shares
