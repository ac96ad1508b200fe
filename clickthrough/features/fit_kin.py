"""Fitting what makes users alike: a vector of each by what they clicked before the log."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from clickthrough.features.columns import KIN
from clickthrough.features.encoding.kin import STEP, Kin
from clickthrough.features.encoding.vocabulary import Vocabulary, shorten
from clickthrough.features.table import field_array
from clickthrough.schema import Schema

_NUMBERS = 16
_LEAST = 5
"""Users that an item needs: what fewer clicked makes nobody alike."""


def fit_kin(history: pl.LazyFrame, schema: Schema) -> Kin:
    """Return the users of a history with their vectors.

    A user's clicks, each weighed down by how many others clicked the same, are reduced to their
    main directions but the first, which says how much a user clicks. Users who clicked the like
    have vectors that point alike.

    Args:
        history: what was clicked before the log: ``user``, ``time``, ``item``.
        schema: the log's columns.
    """
    pairs = history.select(KIN, "item").drop_nulls().unique()
    kept = pl.len().over("item") >= _LEAST
    rows = pairs.filter(kept).collect().sort(KIN, "item")
    named = shorten(field_array(rows[KIN], schema.fields[KIN]))
    users, of_user = np.unique(named, return_inverse=True)
    items, of_item = np.unique(rows["item"].to_numpy(), return_inverse=True)
    shape = (len(users), len(items))
    weights = 1 / np.sqrt(np.bincount(of_item, minlength=len(items)))[of_item]
    return Kin(Vocabulary(users), _directions(csr_matrix((weights, (of_user, of_item)), shape)))


def _directions(clicks: csr_matrix) -> NDArray[np.float32]:
    """Return vectors of length 1, in steps, shape (users, numbers)."""
    users, numbers = clicks.shape[0], min(_NUMBERS, min(clicks.shape) - 2)
    if numbers < 1:
        return np.zeros((users, _NUMBERS), np.float32)
    left, strength, _ = svds(clicks, k=numbers + 1, v0=np.ones(min(clicks.shape)))
    strongest = np.argsort(-strength)[1:]
    made = left[:, strongest] * strength[strongest]
    length = np.linalg.norm(made, axis=1, keepdims=True)
    unit = np.divide(made, length, out=np.zeros_like(made), where=length > 0)
    return np.asarray(np.round(unit / STEP) * STEP, np.float32)
