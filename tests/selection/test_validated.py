"""What splits are worth on rows that were not fitted to."""

import numpy as np

from clickthrough.config.root import Config
from clickthrough.data.open import open_dataset
from clickthrough.selection.importance import as_trees, fitted_trees
from clickthrough.selection.validated import validated_gains
from clickthrough.training.prepare import prepare


def losses(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(np.logaddexp(0, scores) - labels * scores)


def test_gains_of_all_columns_are_what_the_trees_lower_the_loss_by(config: Config) -> None:
    prepared = prepare(open_dataset(config.data), config, "live")
    train, later = prepared.tables["train"], prepared.tables["validation"]
    trees = fitted_trees(prepared, train, later, as_trees(config, 40, None))
    gains = validated_gains(trees, later)
    before = trees.booster.predict(trees.inputs.matrix(later.inputs), raw_score=True)
    first = trees.booster.dump_model()["tree_info"][0]["tree_structure"]["internal_value"]
    base = losses(np.full(len(later), first), later.labels).mean()
    lowered = base - losses(np.asarray(before), later.labels).mean()
    assert lowered > 0.01
    np.testing.assert_allclose(gains.sum(), lowered, rtol=0.05)  # to second order of each step
    assert gains[trees.booster.feature_importance("split") == 0].tolist() == [0] * int(
        (trees.booster.feature_importance("split") == 0).sum()
    )


def test_a_tree_without_a_split_gains_nothing(config: Config) -> None:
    prepared = prepare(open_dataset(config.data), config, "live")
    train, later = prepared.tables["train"], prepared.tables["validation"]
    own = as_trees(config, 2, None)
    stump = own.model_copy(update={"model": own.model.model_copy(update={"min_child": 10**6})})
    trees = fitted_trees(prepared, train, later, stump)
    assert not validated_gains(trees, later).any()
