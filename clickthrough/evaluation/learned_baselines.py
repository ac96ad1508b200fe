"""The baselines that libraries learn: logistic regression and LightGBM on the model's inputs."""

import warnings
from collections.abc import Iterator

import lightgbm
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from clickthrough.evaluation.baselines import Floats, Rows
from clickthrough.evaluation.metrics import log_loss
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.trees.booster import rows_of_leaf
from clickthrough.models.trees.inputs import Sizes

_MOST_ONE_HOT, _MOST_BAG_COLUMNS = 100_000, 5_000
_LIGHTGBM = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "seed": 7,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}
_ROUNDS, _PATIENCE = 1_000, 50


def logistic_scores(
    train: Rows, validation: Rows, test: Rows, sizes: Sizes
) -> tuple[Floats, Floats]:
    """One-hot ids and numbers, regularized as validation asks; return its scores and the test's."""
    wide = [_one_hot(part.inputs, sizes) for part in (train, validation, test)]
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


def _one_hot(inputs: Encoded, sizes: Sizes) -> sparse.csr_array:
    """Join numbers with a column for each id, those of columns with too many ids left out."""
    parts = [sparse.csr_array(inputs.numeric)]
    for place, size in enumerate(sizes.ids):
        if size <= _MOST_ONE_HOT:
            ids = inputs.ids[:, place : place + 1]
            parts.append(_hot(ids, np.ones(ids.shape, np.float32), size))
    return sparse.hstack([*parts, *_bag_columns(inputs, sizes, _MOST_ONE_HOT)], format="csr")


def _bag_columns(inputs: Encoded, sizes: Sizes, most: int) -> Iterator[sparse.csr_array]:
    """Yield a column for each id of each bag that has not too many, holding its weight."""
    end = 0
    for size, length in sizes.bags:
        start, end = end, end + length
        if size <= most:
            yield _hot(inputs.bag_ids[:, start:end], inputs.bag_weights[:, start:end], size)


def _hot(ids: NDArray[np.int32], weights: NDArray[np.float32], size: int) -> sparse.csr_array:
    """Return weights in the columns of their ids: (n, length) -> (n, size)."""
    starts = np.arange(0, ids.size + 1, ids.shape[1])
    # of copies, for it sums where its arrays lie
    own = weights.flatten(), ids.flatten(), starts
    made = sparse.csr_array(own, shape=(len(ids), size))
    made.sum_duplicates()
    return made


def lightgbm_scores(
    train: Rows, validation: Rows, test: Rows, sizes: Sizes
) -> tuple[Floats, Floats]:
    """Boosted trees on ids, numbers and bags; return scores of validation and test."""
    ids = list(range(len(sizes.ids)))
    seen = [_joined(part.inputs, sizes) for part in (train, validation, test)]
    data = lightgbm.Dataset(seen[0], train.labels, categorical_feature=ids)
    valid = data.create_valid(seen[1], validation.labels)
    leaf = rows_of_leaf(len(train.labels))
    model = lightgbm.train(
        _LIGHTGBM | {"min_data_in_leaf": leaf},
        data,
        _ROUNDS,
        valid_sets=[valid],
        callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False)],
    )
    fitted, tested = (np.asarray(model.predict(part, raw_score=True)) for part in seen[1:])
    return fitted, tested


def _joined(inputs: Encoded, sizes: Sizes) -> NDArray[np.float64] | sparse.csr_matrix:
    # float64 holds every id exactly; float32 would merge those above 2^24
    plain = np.concatenate([inputs.ids, inputs.numeric], axis=1, dtype=np.float64)
    bags = list(_bag_columns(inputs, sizes, _MOST_BAG_COLUMNS))
    if not bags:
        return plain
    # a matrix, not an array: LightGBM knows no other
    return sparse.csr_matrix(sparse.hstack([sparse.csr_array(plain), *bags], format="csr"))
