"""Whether two tables are one, to the last bit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.training.rows.table import Table


def arrays_of(table: Table) -> dict[str, NDArray[Any]]:
    """Return all that a table holds, by name."""
    found = table.inputs.arrays() | {"labels": table.labels, "offsets": table.offsets}
    if table.weights is not None:
        found["weights"] = table.weights
    return found | table.rates


def same_table(found: Table, expected: Table) -> None:
    """Assert that two tables hold the same bits, in the same types and shapes."""
    one, other = arrays_of(found), arrays_of(expected)
    assert list(one) == list(other)
    for name, array in other.items():
        assert (one[name].dtype, one[name].shape) == (array.dtype, array.shape), name
        assert np.ascontiguousarray(one[name]).tobytes() == array.tobytes(), name
