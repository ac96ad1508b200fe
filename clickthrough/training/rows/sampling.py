"""Weighted and left out examples, and the correction that makes probabilities true again.

A positive weight w multiplies the odds that a model learns by w; training on a share s of the
negatives divides them by s (King and Zeng, 2001; He et al., 2014). Both are undone by what is added
to the logit, -log w + log s: exactly where the model can express the truth.
"""

import math

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.training import Training


def positive_weight(labels: NDArray[np.int8], settings: Training) -> float:
    """Return the weight of a click in the loss; ``balanced`` gives both classes the same."""
    if settings.pos_weight != "balanced":
        return settings.pos_weight
    clicks = int(np.count_nonzero(labels))
    return settings.negatives * (len(labels) - clicks) / max(clicks, 1)


def correction(settings: Training, pos_weight: float) -> float:
    """Return what is added to a logit.

    >>> round(correction(Training(negatives=0.1), 1.0), 4)
    -2.3026
    """
    return math.log(settings.negatives) - math.log(pos_weight)


def kept_rows(
    labels: NDArray[np.int8], negatives: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return all rows with a click, and a share of the others, drawn anew each time."""
    drawn = rng.random(len(labels)) < negatives
    return np.flatnonzero(drawn | (labels == 1))
