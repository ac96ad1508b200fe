"""The learning rate over the steps of a run."""

import math

from clickthrough.config.training import Training
from clickthrough.training.optim.plateau import Plateau


def rate_factor(step: int, steps: int, settings: Training, plateau: Plateau | None = None) -> float:
    """Return what the learning rate is multiplied by at a step.

    It rises linearly over the first ``warmup_steps``, then stays, or falls: towards 0 at the end of
    the last epoch, along a line or half a cosine (Loshchilov and Hutter, 2017), or in steps, where
    validation has come to a standstill.

    Args:
        step: from 0.
        steps: of all epochs.
        settings: ``warmup_steps`` and ``decay``.
        plateau: what validations have come to; none yet by default.

    >>> rate_factor(4, 100, Training(warmup_steps=10))
    0.5
    """
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    if settings.decay == "none":
        return 1.0
    if settings.decay == "plateau":
        return (plateau or Plateau()).factor
    left = 1 - (step - settings.warmup_steps) / max(steps - settings.warmup_steps, 1)
    left = min(max(left, 0.0), 1.0)
    return left if settings.decay == "linear" else (1 - math.cos(math.pi * left)) / 2
