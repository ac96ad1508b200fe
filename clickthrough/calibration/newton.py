"""Logistic regression of a few weights, each drawn to a value that it has without data."""

from dataclasses import dataclass

import numpy as np

from clickthrough.calibration.base import Floats, Labels, sigmoid

_MOST_STEPS, _MOST_HALVINGS = 50, 20
_LONGEST_STEP, _SHORTEST_STEP = 5.0, 1e-10


@dataclass(frozen=True)
class Regression:
    """The log loss of a logistic regression, with a ridge about what is believed beforehand.

    Attributes:
        design: inputs in about standard units, shape (weights, n).
        labels: 0 or 1, shape (n,).
        prior: what each weight is drawn to, shape (weights,).
        ridge: how strongly, in squared units of the weight, shape (weights,).
        offset: added to each row's logit, shape (n,).
    """

    design: Floats
    labels: Labels
    prior: Floats
    ridge: Floats
    offset: Floats | float = 0.0

    def loss(self, weights: Floats) -> float:
        """Return what is minimized, in nats."""
        logits = weights @ self.design + self.offset
        loss = np.sum(np.logaddexp(0.0, logits) - self.labels * logits)
        return float(loss + self.ridge @ (weights - self.prior) ** 2 / 2)

    def step(self, weights: Floats) -> Floats:
        """Return Newton's step, to be subtracted, of a bounded length."""
        p = sigmoid(weights @ self.design + self.offset)
        gradient = self.design @ (p - self.labels) + self.ridge * (weights - self.prior)
        hessian = (self.design * (p * (1 - p))) @ self.design.T + np.diag(self.ridge)
        step = np.linalg.solve(hessian, gradient).astype(np.float64, copy=False)
        return step * min(1.0, _LONGEST_STEP / (float(np.abs(step).max()) + 1e-12))


def newton(regression: Regression) -> Floats:
    """Return the weights of least loss, shape (weights,)."""
    weights = np.zeros(len(regression.prior))
    least = regression.loss(weights)
    for _ in range(_MOST_STEPS):
        step = regression.step(weights)
        for _ in range(_MOST_HALVINGS):  # far from the least loss a whole step can overshoot it
            found = regression.loss(weights - step)
            if found <= least:
                break
            step /= 2
        weights, least = weights - step, min(found, least)
        if np.abs(step).max() < _SHORTEST_STEP:
            break
    return weights
