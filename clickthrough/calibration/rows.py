"""What a calibrator is fitted to."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from clickthrough.calibration.base import Floats, Labels


@dataclass(frozen=True)
class Rows:
    """Labelled scores in order of time, those of a request side by side.

    Attributes:
        logits: shape (n,).
        labels: 0 or 1, shape (n,).
        requests: the number of each row's request, never falling, shape (n,).
    """

    logits: Floats
    labels: Labels
    requests: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def where(self, chosen: NDArray[np.bool_]) -> Self:
        """Return some of the rows; their requests are numbered anew, without gaps."""
        numbers = np.unique(self.requests[chosen], return_inverse=True)[1]
        return type(self)(self.logits[chosen], self.labels[chosen], numbers)
