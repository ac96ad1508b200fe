"""Shares of logits: they add up for every family, and are what others find by other ways."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from clickthrough.explain.shares import Score, shares
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.trees import Sizes, fit_trees
from tests.explain.players import by_slot, numbers, of_numbers
from tests.models.families import FORMS, MIXES, built, inputs_of, moved
from tests.models.trees.parts import SMALL, random_part

Floats = NDArray[np.float64]


def score_of(form: str) -> tuple[Score, Encoded]:
    model = moved(built(form)).eval()

    def score(rows: Encoded) -> Floats:
        with torch.no_grad():
            fed = [torch.from_numpy(array) for array in rows.arrays().values()]
            made: Floats = model(*fed).numpy().astype(np.float64)
            return made

    return score, inputs_of(model, 6)


@pytest.mark.parametrize("most_exact", [0, 7])
@pytest.mark.parametrize("form", FORMS)
def test_shares_add_up_for_every_family(form: str, most_exact: int) -> None:
    score, rows = score_of(form)
    against = rows[np.array([1, 2, 3, 4, 5, 5])]
    found = shares(score, by_slot(MIXES["everything"]), rows, against, 3, most_exact)
    logits, baselines = score(rows), score(against)
    for own, logit, baseline in zip(found, logits, baselines, strict=True):
        assert own.logit == pytest.approx(logit, abs=1e-5)
        assert own.baseline == pytest.approx(baseline, abs=1e-5)
        assert own.baseline + own.of.sum() == pytest.approx(own.logit, abs=1e-6)
    assert np.abs(found[0].of).max() > 0
    assert not found[5].of.any()  # against itself


def test_what_is_equal_has_no_share_and_what_adds_has_its_own() -> None:
    def score(rows: Encoded) -> Floats:
        made: Floats = (rows.numeric * [1.0, -2.0, 3.0]).sum(axis=1).astype(np.float64)
        return made

    rows, against = numbers(np.array([[1.0, 1.0, 5.0]])), numbers(np.array([[0.0, 0.5, 5.0]]))
    (found,) = shares(score, of_numbers(3), rows, against)
    np.testing.assert_allclose(found.of, [1.0, -1.0, 0.0])


def test_any_number_of_rows_is_scored_in_parts() -> None:
    seen = []

    def score(rows: Encoded) -> Floats:
        seen.append(len(rows))
        made: Floats = rows.numeric.prod(axis=1).astype(np.float64)
        return made

    values = np.random.default_rng(0).normal(size=(300, 7))
    rows = numbers(values)
    found = shares(score, of_numbers(7), rows, replace(rows, numeric=rows.numeric[::-1].copy()))
    assert len(seen) == 3
    assert max(seen) <= 16_384
    assert len(found) == 300
    np.testing.assert_allclose([own.logit for own in found], rows.numeric.prod(axis=1), rtol=1e-6)


@pytest.mark.parametrize("leaves", [2, 8])
def test_trees_are_explained_as_lightgbm_explains_stumps(leaves: int) -> None:
    """Trees that ask one question act alone: their own contributions are Shapley values."""
    sizes, count = Sizes(()), 5
    train, validation = (random_part(sizes, count, 2_000, seed) for seed in (1, 2))
    trees = fit_trees(train, validation, sizes, SMALL.model_copy(update={"leaves": leaves}))
    rows = validation.inputs[:50]
    against = numbers(np.zeros((50, count)))
    found = shares(
        lambda asked: trees.logits(asked).astype(np.float64), of_numbers(count), rows, against
    )

    def contributions(asked: Encoded) -> Floats:
        matrix = trees.inputs.matrix(asked)
        made: Floats = np.asarray(trees.booster.predict(matrix, pred_contrib=True))[:, :count]
        return made

    expected = contributions(rows) - contributions(against)
    gap = np.abs(np.array([own.of for own in found]) - expected).max()
    assert (gap < 1e-5) == (leaves == 2)  # deeper ones depend on the path; see benchmarks
