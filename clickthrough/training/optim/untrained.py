"""Ids that no training row held: they weigh what an unseen id weighs, not what they began with."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.encoding.vocabulary import UNSEEN
from clickthrough.features.slots import Slot
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
    untrained = {t: torch.from_numpy(~held) for t, held in held_ids(encoder, inputs).items()}
    state = model.state_dict()
    for name, tables in model.tables_of().items():
        start = 0
        for own in (untrained[table] for table in tables):
            rows = state[name][start : start + len(own)]
            rows[own] = rows[UNSEEN].clone()
            start += len(own)


def held_ids(encoder: Encoder, inputs: Encoded) -> dict[str, NDArray[np.bool_]]:
    """Return which ids of each table some row holds, shape (size,), in whatever column."""
    held: dict[str, NDArray[np.bool_]] = {}
    for slot, ids in _columns(encoder, inputs):
        found = _held(ids, slot.size)
        held[slot.table] = held[slot.table] | found if slot.table in held else found
    return held


def _columns(encoder: Encoder, inputs: Encoded) -> Iterator[tuple[Slot, NDArray[np.int32]]]:
    """Yield the ids of each slot that has a table."""
    place = end = 0
    for slot in encoder.slots:
        if slot.kind == "id":
            yield slot, inputs.ids[:, place : place + 1]
            place += 1
        elif slot.kind != "number":
            start, end = end, end + slot.length
            yield slot, inputs.bag_ids[:, start:end]


def _held(ids: NDArray[np.int32], size: int) -> NDArray[np.bool_]:
    """Say of each id whether it stands somewhere; the unseen one always counts."""
    held = np.zeros(size, bool)
    held[UNSEEN] = True
    for start in range(0, len(ids), _ROWS):
        held[ids[start : start + _ROWS]] = True
    return held
