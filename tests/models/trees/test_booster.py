from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from clickthrough.evaluation.metrics import auc, request_auc
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.trees import Objective, Sizes, TreeSettings, fit_trees
from clickthrough.models.trees.rates import fit_inputs
from tests.models.trees.parts import SIZES, SMALL, Part, inputs_of, part_of, random_part, written


def crossed(seed: int) -> Part:
    """Return impressions that are clicked where two numbers have the same sign."""
    inputs = inputs_of(Sizes((40,)), 2, 3_000, seed)
    return part_of(inputs, np.where(inputs.numeric.prod(axis=1) > 0, 0.8, 0.2), seed)


def score(labels: NDArray[np.int8], logits: NDArray[np.floating]) -> float:
    return auc(labels, logits.astype(np.float64))


@pytest.mark.parametrize("objective", ["binary", "lambdarank"])
def test_an_interaction_is_learned(objective: Objective) -> None:
    sizes = Sizes((40,))
    train, validation, test = (crossed(seed) for seed in (1, 2, 3))
    settings = SMALL.model_copy(update={"objective": objective, "rounds": 60})
    trees = fit_trees(train, validation, sizes, settings)
    assert score(test.labels, trees.logits(test.inputs)) > 0.75
    inputs, matrix = fit_inputs(train, sizes)
    line = LogisticRegression().fit(matrix, train.labels)
    assert score(test.labels, line.decision_function(inputs.matrix(test.inputs))) < 0.55


def test_an_interaction_of_ids_is_learned() -> None:
    sizes, parts = Sizes((20, 20)), []
    for seed in (1, 2, 3):
        inputs = inputs_of(sizes, 0, 4_000, seed)
        same = (inputs.ids >= 10)[:, 0] == (inputs.ids >= 10)[:, 1]
        parts.append(part_of(inputs, np.where(same, 0.8, 0.2), seed))
    trees = fit_trees(parts[0], parts[1], sizes, SMALL)
    assert score(parts[2].labels, trees.logits(parts[2].inputs)) > 0.75


def test_lambdarank_learns_the_order_within_requests_and_nothing_between_them() -> None:
    parts = []
    for seed in (1, 2, 3):
        inputs = inputs_of(Sizes(()), 2, 4_000, seed)
        inputs.numeric[:, 0] = np.repeat(inputs.numeric[::5, 0], 5)
        chances = np.where(inputs.numeric[:, 0] > 0, 0.5, 0.1)
        parts.append(part_of(inputs, chances + 0.3 * (inputs.numeric[:, 1] > 0), seed))
    train, validation, test = parts
    settings = SMALL.model_copy(update={"objective": "lambdarank"})
    logits = fit_trees(train, validation, Sizes(()), settings).logits(test.inputs)
    assert request_auc(test.labels, logits.astype(np.float64), test.offsets) > 0.6
    both = fit_trees(train, validation, Sizes(()), SMALL).logits(test.inputs)
    of_requests = test.inputs.numeric[:, 0]
    assert abs(np.corrcoef(logits, of_requests)[0, 1]) < 0.2
    assert np.corrcoef(both, of_requests)[0, 1] > 0.5


@pytest.mark.parametrize("objective", ["binary", "lambdarank"])
def test_a_seed_gives_the_same_trees_with_any_number_of_threads(objective: Objective) -> None:
    train, validation = (random_part(SIZES, 3, 2_000, seed) for seed in (1, 2))
    settings = SMALL.model_copy(update={"objective": objective})
    one, other, unlike = (
        fit_trees(train, validation, SIZES, given)
        for given in (
            settings,
            settings.model_copy(update={"threads": 2}),
            settings.model_copy(update={"seed": 8}),
        )
    )
    for name in ("split_feature", "threshold", "leaf_value"):
        np.testing.assert_array_equal(written(one, name), written(other, name))
    assert not np.array_equal(written(one, "leaf_value"), written(unlike, "leaf_value"))


def test_the_fit_stops_where_validation_stops_improving() -> None:
    train, validation = (random_part(SIZES, 3, 600, seed) for seed in (1, 2))
    settings = TreeSettings(rounds=500, row_fraction=0.3, patience=10, threads=1, l2=0.0)
    trees = fit_trees(train, validation, SIZES, settings)
    assert trees.booster.num_trees() < 300
    hasty = fit_trees(train, validation, SIZES, settings.model_copy(update={"patience": 1}))
    assert hasty.booster.num_trees() < trees.booster.num_trees()
    short = settings.model_copy(update={"rounds": trees.booster.num_trees()})
    inputs = inputs_of(SIZES, 3, 50)
    again = fit_trees(train, validation, SIZES, short)
    np.testing.assert_array_equal(again.logits(inputs), trees.logits(inputs))


def test_rows_of_weight_0_are_as_if_they_were_not_there() -> None:
    part, validation = crossed(1), crossed(2)
    wrong = replace(part, labels=1 - part.labels)
    joined = Part(
        Encoded.joined([part.inputs, wrong.inputs]),
        np.concatenate([part.labels, wrong.labels]),
        np.concatenate([part.offsets, part.offsets[1:] + len(part.labels)]),
    )
    weights = np.repeat(np.array([1, 0], np.float32), len(part.labels))
    settings = SMALL.model_copy(update={"rounds": 60})
    blind = fit_trees(joined, validation, Sizes((40,)), settings)
    told = fit_trees(replace(joined, weights=weights), validation, Sizes((40,)), settings)
    test = crossed(3)
    assert score(test.labels, blind.logits(test.inputs)) < 0.6
    assert score(test.labels, told.logits(test.inputs)) > 0.75


def test_a_leaf_holds_a_share_of_the_rows_unless_told() -> None:
    train, validation = (random_part(SIZES, 3, 5_000, seed) for seed in (1, 2))
    every = TreeSettings(rounds=5, row_fraction=1.0, threads=1)
    for settings, least in ((every, 10), (every.model_copy(update={"min_child": 200}), 200)):
        counts = written(fit_trees(train, validation, SIZES, settings), "leaf_count")
        assert least <= counts.min() < 2 * least
