"""The learning rate falls where validation has come to a standstill."""

from dataclasses import dataclass

from clickthrough.config.training import Training


@dataclass(frozen=True)
class Plateau:
    """What validations have come to.

    Attributes:
        factor: what the learning rate is multiplied by.
        flat: validations since one that improved, or since the rate was lowered.
    """

    factor: float = 1.0
    flat: int = 0

    def after(self, improved: bool, step: int, settings: Training) -> "Plateau":
        """Return what it is after another validation.

        Until the rate has risen to its height a standstill says nothing of that height.

        Args:
            improved: whether the monitored metric is the best so far.
            step: the next one, from 0.
            settings: ``plateau_factor``, ``plateau_patience`` and ``warmup_steps``.

        >>> Plateau().after(False, 100, Training(decay="plateau", plateau_patience=1))
        Plateau(factor=0.1, flat=0)
        """
        if improved or step < settings.warmup_steps:
            return Plateau(self.factor)
        if self.flat + 1 < settings.plateau_patience:
            return Plateau(self.factor, self.flat + 1)
        return Plateau(self.factor * settings.plateau_factor)
