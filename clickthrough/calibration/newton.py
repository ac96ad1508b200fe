"""Logistic regression of a few weights, each drawn to a value that it has without data."""

import numpy as np

from clickthrough.calibration.base import Floats, Labels, sigmoid

_MOST_STEPS = 50
_LONGEST_STEP = 5.0


def newton(
    design: Floats,
    labels: Labels,
    prior: Floats,
    ridge: Floats,
    offset: Floats | float = 0.0,
) -> Floats:
    """Return the weights of least log loss, by Newton's method.

    Args:
        design: inputs in about standard units, shape (weights, n).
        labels: 0 or 1, shape (n,).
        prior: what each weight is drawn to, shape (weights,).
        ridge: how strongly, in squared units of the weight, shape (weights,).
        offset: added to each row's logit, shape (n,).
    """
    weights = np.zeros(len(prior))
    for _ in range(_MOST_STEPS):
        p = sigmoid(weights @ design + offset)
        gradient = design @ (p - labels) + ridge * (weights - prior)
        hessian = (design * (p * (1 - p))) @ design.T + np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        longest = float(np.abs(step).max())
        weights = weights - step * min(1.0, _LONGEST_STEP / (longest + 1e-12))
        if longest < 1e-10:
            break
    return weights
