"""Arrays that grow: in files without a name, or in memory where little is to come."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.mapped_array import MappedArray


class HeldArray:
    """An array of unknown length in memory: rows are added, then all are read."""

    def __init__(self) -> None:
        self._parts: list[NDArray[Any]] = []

    def add(self, rows: NDArray[Any]) -> None:
        """Append rows; all calls agree in type and shape."""
        self._parts.append(rows)

    def read(self) -> NDArray[Any]:
        """Return all rows; something was added, be it empty."""
        return np.concatenate(self._parts)

    def close(self) -> None:
        """Let go of them."""
        self._parts.clear()


def growing_array(folder: Path | None) -> MappedArray | HeldArray:
    """Return an array that grows in a folder, or without one in memory."""
    return HeldArray() if folder is None else MappedArray(folder)
