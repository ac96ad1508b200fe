"""How wide the embedding of each column is, where the configuration leaves that to the log."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.base import unknown_name
from clickthrough.config.model import Blend, Model, TorchFamily
from clickthrough.errors import ConfigError
from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.encoding.vocabulary import FIRST_KNOWN

_NARROWEST, _WIDEST = 32, 128
_SAMPLE = 500_000


def with_widths(model: Model, encoder: Encoder, train: Encoded) -> Model:
    """Return a model's settings with a width for each id column and bag.

    Args:
        model: its settings; ``embedding_dim: auto`` is replaced by the widths themselves, one for
            all columns of a field.
        encoder: what the rows were encoded with.
        train: the rows of the training period.

    Raises:
        ConfigError: a width is given for a column that there is not.
    """
    if isinstance(model, Blend):
        members = [with_widths(member, encoder, train) for member in model.members]
        return model.model_copy(update={"members": members})
    if not isinstance(model, TorchFamily):
        return model
    columns = [*encoder.id_sizes, *encoder.bag_shapes]
    if isinstance(model.embedding_dim, dict):
        for name in model.embedding_dim:
            if name not in columns:
                raise ConfigError(
                    f"model.embedding_dim: {unknown_name(name, 'column with ids', columns)}"
                )
    if model.embedding_dim != "auto":
        return model
    slots = [slot for slot in encoder.slots if slot.kind != "number"]
    uses: dict[str, float] = {}
    for slot, own in zip(slots, _uses(train, encoder), strict=True):
        uses[slot.table] = uses.get(slot.table, 0.0) + own
    widths = {slot.name: automatic_width(slot.size, uses[slot.table]) for slot in slots}
    return model.model_copy(update={"embedding_dim": widths})


def automatic_width(ids: int, uses: float) -> int:
    """Return the width of an embedding by cardinality and frequency: 32, 64 or 128.

    About six times the fourth root of the number of ids (the rule of thumb of TensorFlow's
    feature columns), yet no wider than an id has training rows on average: a vector with more
    numbers than rows to learn them from is noise (Ginart et al., 2019, narrow by popularity).

    Args:
        ids: how many there are.
        uses: known ids in the training rows.

    >>> automatic_width(500, 1e6), automatic_width(20_000, 1e7), automatic_width(20_000, 1e5)
    (32, 64, 32)
    """
    wanted = min(6 * ids**0.25, uses / max(ids, 1))
    power = 2 ** int(np.log2(max(wanted, 1)) + 0.5)
    return int(np.clip(power, _NARROWEST, _WIDEST))


def _uses(train: Encoded, encoder: Encoder) -> NDArray[np.float64]:
    """Return how many known ids each id column and each bag has, judged by a spread of rows."""
    step = max(1, len(train) // _SAMPLE)
    known = np.count_nonzero(train.ids[::step] >= FIRST_KNOWN, axis=0)
    filled = np.count_nonzero(train.bag_weights[::step] > 0, axis=0)
    ends = np.cumsum([0, *(length for _, length in encoder.bag_shapes.values())])
    bags = [filled[a:b].sum() for a, b in pairwise(ends)]
    return np.array([*known, *bags], np.float64) * step
