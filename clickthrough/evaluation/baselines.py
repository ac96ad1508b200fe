"""The baselines that stand in every table: without them a figure says nothing.

Each learned baseline sees the same features, the same training period and the same validation
period (for early stopping or regularization, and for calibration) as the model.
"""

import warnings
from typing import Protocol

import lightgbm
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from clickthrough.calibration import Platt
from clickthrough.evaluation.metrics import log_loss
from clickthrough.features.encoding.encoder import Encoded

Floats = NDArray[np.float64]

_MOST_ONE_HOT = 100_000
_LIGHTGBM = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "seed": 7,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}
_ROUNDS, _PATIENCE = 1_000, 50


class Rows(Protocol):
    """What a baseline sees of a part of the log."""

    @property
    def inputs(self) -> Encoded:
        """Encoded impressions."""

    @property
    def labels(self) -> NDArray[np.int8]:
        """0 or 1."""

    @property
    def item_rate(self) -> Floats:
        """Smoothed click rate of the item, as of each row."""


def fit_baselines(
    train: Rows, validation: Rows, test: Rows, id_sizes: list[int]
) -> dict[str, Floats]:
    """Fit every baseline and return its probabilities on the test part, by name."""
    constant = np.full(len(test.labels), float(np.mean(train.labels)))
    scores = {
        "smoothed item rate": (_logit(validation.item_rate), _logit(test.item_rate)),
        "logistic regression": _logistic(train, validation, test, id_sizes),
        "LightGBM": _lightgbm(train, validation, test, id_sizes),
    }
    calibrated = {
        name: Platt.fit(fitted, validation.labels).probability(tested)
        for name, (fitted, tested) in scores.items()
    }
    return {"constant": constant, **calibrated}


def _logistic(
    train: Rows, validation: Rows, test: Rows, id_sizes: list[int]
) -> tuple[Floats, Floats]:
    """One-hot ids and numbers; the strength of regularization is chosen on validation."""
    wide = [_one_hot(part.inputs, id_sizes) for part in (train, validation, test)]
    best: tuple[float, Floats, Floats] | None = None
    for strength in (0.01, 0.1, 1.0):
        model = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(wide[0], train.labels)
        fitted, tested = (model.decision_function(part) for part in wide[1:])
        loss = log_loss(validation.labels, 1 / (1 + np.exp(-fitted)))
        if best is None or loss < best[0]:
            best = loss, fitted, tested
    assert best is not None  # noqa: S101
    return best[1], best[2]


def _one_hot(inputs: Encoded, id_sizes: list[int]) -> sparse.csr_array:
    """Join numbers with one column an id, those of columns with too many ids left out."""
    chosen = [place for place, size in enumerate(id_sizes) if size <= _MOST_ONE_HOT]
    sizes = [id_sizes[place] for place in chosen]
    starts = np.cumsum([0, *sizes])
    rows = len(inputs.ids)
    columns = (inputs.ids[:, chosen] + starts[:-1]).ravel().astype(np.int32)
    places = np.arange(0, rows * len(chosen) + 1, max(len(chosen), 1))[: rows + 1]
    if not chosen:
        return sparse.csr_array(inputs.numeric)
    hot = sparse.csr_array(
        (np.ones(len(columns), np.float32), columns, places), shape=(rows, int(starts[-1]))
    )
    return sparse.hstack([sparse.csr_array(inputs.numeric), hot], format="csr")


def _lightgbm(
    train: Rows, validation: Rows, test: Rows, id_sizes: list[int]
) -> tuple[Floats, Floats]:
    ids = list(range(len(id_sizes)))
    data = lightgbm.Dataset(_joined(train.inputs), train.labels, categorical_feature=ids)
    valid = data.create_valid(_joined(validation.inputs), validation.labels)
    model = lightgbm.train(
        _LIGHTGBM,
        data,
        _ROUNDS,
        valid_sets=[valid],
        callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False)],
    )
    fitted, tested = (
        np.asarray(model.predict(_joined(part.inputs), raw_score=True))
        for part in (validation, test)
    )
    return fitted, tested


def _joined(inputs: Encoded) -> NDArray[np.float64]:
    # float64 holds every id exactly; float32 would merge those above 2^24
    return np.concatenate([inputs.ids, inputs.numeric], axis=1, dtype=np.float64)


def _logit(rate: Floats) -> Floats:
    return np.log(rate / (1 - rate))
