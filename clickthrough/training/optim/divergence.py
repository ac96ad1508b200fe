"""What to say when the loss is no number."""

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clickthrough.errors import ClickthroughError


def refuse_divergence(place: str, numeric: Tensor, names: Sequence[str], rate: float) -> NoReturn:
    """Say where training diverged, and what is likeliest to blame.

    Args:
        place: the epoch and batch.
        numeric: the numbers of the batch, shape (b, numeric inputs).
        names: of the numeric inputs.
        rate: the learning rate.

    Raises:
        ClickthroughError: always.
    """
    raise ClickthroughError(
        f"training diverged at {place}: the loss is not a number, at learning_rate {rate:g}; "
        f"{_suspect(numeric, names)}"
    )


def refuse_lost(monitor: str, epoch: int) -> NoReturn:
    """Say that the scores of the validation part are no numbers, so that no epoch is the best.

    Raises:
        ClickthroughError: always.
    """
    raise ClickthroughError(
        f"training diverged in epoch {epoch}: {monitor} of the validation part is not a number; "
        "a lower learning_rate or training.clip_norm may help"
    )


def refuse_infinite(logits: NDArray[np.float32], family: str) -> None:
    """Refuse a model that gives no number for a row of the validation part.

    Raises:
        ClickthroughError: it gives none.
    """
    wrong = int(np.count_nonzero(~np.isfinite(logits)))
    if wrong:
        raise ClickthroughError(
            f"training diverged: '{family}' gives no finite score for {wrong:,} of {len(logits):,} "
            "impressions of the validation part; a lower learning_rate may help"
        )


def _suspect(numeric: Tensor, names: Sequence[str]) -> str:
    """Name the field that holds what is no number, or else the one with the largest value."""
    if numeric.numel() == 0:
        return "there are no numeric inputs: a lower learning_rate may help"
    wrong = ~torch.isfinite(numeric)
    magnitude = torch.where(wrong, torch.inf, numeric.abs())
    row, column = divmod(int(magnitude.argmax()), numeric.shape[1])
    name = f"'{names[column]}'" if column < len(names) else f"number {column}"
    if wrong.any():
        return f"the field {name} holds {float(numeric[row, column])}"
    return (
        f"all inputs are finite, the largest is {float(numeric[row, column]):g} of {name}: "
        "a lower learning_rate or training.clip_norm may help"
    )
