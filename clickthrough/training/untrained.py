"""Ids that no training row held: they weigh what an unseen id weighs, not what they began with."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.encoding.vocabulary import UNSEEN
from clickthrough.models.base import CtrModel

_ROWS = 1 << 20
"""Rows counted at a time: tables are mapped and may exceed memory."""


def settle_untrained(model: CtrModel, encoder: Encoder, inputs: Encoded) -> None:
    """Give ids that no training row held the embedding of the unseen id, in place.

    A missing value where training had none, an hour or a weekday of which the log has nothing, a
    bucket of a hash that no value fell into: their rows of the tables are as they were drawn,
    and would move a score by chance. The row of the unseen id was trained
    (``training.unseen_share``) on all values alike.

    Args:
        model: trained; its tables are whole.
        encoder: what made its inputs.
        inputs: those of the training part.
    """
    untrained = [torch.from_numpy(~held) for held in held_ids(encoder, inputs)]
    state = model.state_dict()
    for name, columns in model.table_columns().items():
        start = 0
        for own in (untrained[column] for column in columns):
            rows = state[name][start : start + len(own)]
            rows[own] = rows[UNSEEN].clone()
            start += len(own)


def held_ids(encoder: Encoder, inputs: Encoded) -> Iterator[NDArray[np.bool_]]:
    """Yield which ids some row holds, shape (size,), of each id column, then of each bag."""
    for place, size in enumerate(encoder.id_sizes.values()):
        yield _held(inputs.ids[:, place : place + 1], size)
    end = 0
    for size, length in encoder.bag_shapes.values():
        start, end = end, end + length
        yield _held(inputs.bag_ids[:, start:end], size)


def _held(ids: NDArray[np.int32], size: int) -> NDArray[np.bool_]:
    """Say of each id whether it stands somewhere; the unseen one always counts."""
    held = np.zeros(size, bool)
    held[UNSEEN] = True
    for start in range(0, len(ids), _ROWS):
        held[ids[start : start + _ROWS]] = True
    return held
