"""The baselines that stand in every table: without them a figure says nothing.

Each learned baseline sees the same features, the same training period and the same validation
period (for early stopping or regularization, and for calibration) as the model.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clickthrough.calibration import Calibrator, Platt
from clickthrough.calibration.base import sigmoid
from clickthrough.calibration.credibility import fit_believed
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.trees.inputs import Sizes
from clickthrough.steps import counted, happened

Floats = NDArray[np.float64]

Calibrate = Callable[[Floats], Calibrator]

_LEAST_RATE = 1e-7
"""Below it, and as far from 1, float32 cannot hold a rate apart from 0 or 1."""


class Rows(Protocol):
    """What a baseline sees of a part of the log."""

    @property
    def inputs(self) -> Encoded:
        """Encoded impressions."""

    @property
    def labels(self) -> NDArray[np.int8]:
        """0 or 1."""

    @property
    def rates(self) -> Mapping[str, NDArray[np.float32]]:
        """Smoothed click rates as of each row: of the ``item``, and of every key counted."""


@dataclass(frozen=True)
class Predicted:
    """Probabilities by name, of both parts that were not trained on.

    Attributes:
        validation: shape (rows of the validation part,); calibrated on these very rows.
        test: shape (rows of the test part,).
    """

    validation: Mapping[str, Floats] = field(default_factory=dict)
    test: Mapping[str, Floats] = field(default_factory=dict)

    def beside(self, other: "Predicted") -> "Predicted":
        """Return these, and others after them."""
        return Predicted({**self.validation, **other.validation}, {**self.test, **other.test})


def fit_baselines(
    train: Rows,
    validation: Rows,
    test: Rows,
    sizes: Sizes,
    calibrate: Calibrate | None = None,
) -> Predicted:
    """Fit every baseline and return its probabilities, by name.

    ``sum of rates`` adds the logits of all smoothed rates, as if what they say were independent;
    it stands where there is another rate than the item's.

    Args:
        train: what is learned from.
        validation: what is stopped, regularized and calibrated on.
        test: what is scored.
        sizes: of ids and bags.
        calibrate: fits to scores of the validation rows what makes them probabilities, as it
            does for the model; Platt by default.
    """
    # loads two libraries, which whoever only evaluates does not wait for
    from clickthrough.evaluation.learned_baselines import lightgbm_scores, logistic_scores

    constant = constant_rate(validation, test, float(np.mean(train.labels)))
    fits = {"logistic regression": logistic_scores, "LightGBM": lightgbm_scores}
    if len(np.unique(train.labels)) < 2:
        happened("the training part has clicks alone, or none: nothing is learned from it")
        fits = {}
    scores = {}
    for name, fit in counted(fits.items(), len(fits)):
        began = time.monotonic()
        scores[name] = fit(train, validation, test, sizes)
        seconds = time.monotonic() - began
        happened(f"{name} fitted: {seconds:.1f} s", baseline=name, seconds=round(seconds, 3))
    learned = _calibrated(scores, validation, test, calibrate)
    return constant.beside(rate_baselines(validation, test, calibrate)).beside(learned)


def constant_rate(validation: Rows | None, test: Rows, rate: float) -> Predicted:
    """Return the baseline that says one click rate of all rows; there may be no validation part."""
    name, own = "constant", np.full(len(test.labels), rate)
    if validation is None:
        return Predicted({}, {name: own})
    return Predicted({name: np.full(len(validation.labels), rate)}, {name: own})


def rate_baselines(validation: Rows, test: Rows, calibrate: Calibrate | None = None) -> Predicted:
    """Return the probabilities of the baselines that learn nothing but their calibration.

    A calibration that rests on few clicks stays near the identity: scores are logits already.
    """
    rate = float(np.clip(np.mean(validation.labels), _LEAST_RATE, 1 - _LEAST_RATE))
    scores = {
        name: (_sum_of_rates(validation, keys, rate), _sum_of_rates(test, keys, rate))
        for name, keys in _keys_of_rates(test).items()
    }
    return _calibrated(scores, validation, test, calibrate)


def uncalibrated_rates(test: Rows, prior: float) -> Predicted:
    """Return the probabilities of these baselines where there are no rows to calibrate on.

    Each rate says its difference from the prior, in logits; these differences add up.

    Args:
        test: what is scored.
        prior: the click rate of a key that nothing is known of.
    """
    made = {
        name: sigmoid(_sum_of_rates(test, keys, prior))
        for name, keys in _keys_of_rates(test).items()
    }
    return Predicted({}, made)


def _keys_of_rates(test: Rows) -> dict[str, list[str]]:
    several = {"sum of rates": list(test.rates)} if len(test.rates) > 1 else {}
    return {"smoothed item rate": ["item"]} | several


def _calibrated(
    scores: Mapping[str, tuple[Floats, Floats]],
    validation: Rows,
    test: Rows,
    calibrate: Calibrate | None,
) -> Predicted:
    """Turn scores of the validation and the test part into probabilities."""
    fit = calibrate or partial(fit_believed, Platt, labels=validation.labels)
    made = Predicted({}, {})
    for name, (fitted, tested) in scores.items():
        curve = fit(fitted)
        own = {name: curve.probability(fitted, validation.inputs.ids)}
        made = made.beside(Predicted(own, {name: curve.probability(tested, test.inputs.ids)}))
    return made


def _sum_of_rates(rows: Rows, keys: list[str], prior: float) -> Floats:
    """Return logits: that of the prior, and what each rate says beyond it."""
    base = math.log(prior / (1 - prior))
    total = np.zeros(len(rows.labels))
    for key in keys:
        rate = np.clip(rows.rates[key].astype(np.float64), _LEAST_RATE, 1 - _LEAST_RATE)
        total += np.log(rate / (1 - rate))
    return total - (len(keys) - 1) * base
