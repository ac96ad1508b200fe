"""The sums of a sparse gradient's rows, where a GPU must not be waited for."""

import torch
from torch import Tensor


def summed_by_place(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Return the row of each place of a sparse gradient, and the sum for that row.

    How many rows differ is known only when the device is done, so a row is named as often as it
    occurs, each time with the same sum: whoever writes what comes of it writes the same again.

    Args:
        gradient: sparse, shape (rows of the table, dimension), of less than 2^31 rows.

    Returns:
        Rows in ascending order, shape (places,); sums, shape (places, dimension).
    """
    ordered, places = torch.sort(gradient._indices()[0].int(), stable=True)
    begins = torch.ones_like(ordered)
    begins[1:] = ordered[1:] != ordered[:-1]
    run = begins.cumsum(0) - 1
    values = gradient._values()
    sums = torch.zeros_like(values).index_add_(0, run, values.index_select(0, places))
    return ordered.long(), sums.index_select(0, run)
