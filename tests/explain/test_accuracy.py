"""How near the sampled way comes to the exact one, on a trained model of a dozen groups."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from clickthrough import Predictor
from clickthrough.explain.explainer import Explainer
from clickthrough.explain.shares import Shares, mixed, shares
from clickthrough.features.encoding.encoder import Encoded
from tests.serving.rich import Trained, as_divided

GROUPS, ROWS, NAMED = 12, 100, 3


@pytest.fixture(scope="module")
def explainer(trained: Trained) -> Explainer:
    made = Explainer.of(trained.bundle, merged=False)
    assert len(made.groups.every) >= GROUPS
    return made


@pytest.fixture(scope="module")
def rows(trained: Trained) -> Encoded:
    predictor = Predictor.load(trained.bundle.path)
    try:
        arrays = predictor.encode(as_divided(trained.log.tail(ROWS)).drop("clicked").to_dicts())
    finally:
        predictor.close()
    return Encoded(**arrays)


def merged(explainer: Explainer, count: int) -> Explainer:
    """Put the last groups together, so that there are so many."""
    groups = explainer.groups
    least = [np.minimum(own, count - 1) for own in (groups.ids, groups.numeric, groups.bags)]
    explainer.groups = type(groups)(groups.every[:count], *least)
    return explainer


def values(found: list[Shares]) -> NDArray[np.float64]:
    return np.array([own.of for own in found])


def strongest(of: NDArray[np.float64]) -> set[int]:
    return {*np.argsort(-np.abs(of))[:NAMED].tolist()}


def test_the_sample_is_near_what_all_coalitions_give(explainer: Explainer, rows: Encoded) -> None:
    groups = merged(explainer, GROUPS).groups
    against = explainer.typical[np.zeros(ROWS, np.intp)]
    sampled, exact = (
        values(shares(explainer.logits, groups, rows, against, most_exact=most))
        for most in (0, GROUPS)
    )
    order = [spearmanr(one, other).statistic for one, other in zip(sampled, exact, strict=True)]
    assert np.mean(order) >= 0.97
    assert min(order) >= 0.85
    agree = [strongest(one) == strongest(other) for one, other in zip(sampled, exact, strict=True)]
    assert np.mean(agree) >= 0.9


def test_without_the_strongest_the_logit_moves_the_other_way(
    explainer: Explainer, rows: Encoded
) -> None:
    found, groups = explainer.shares(rows), explainer.groups
    moved = []
    for place, own in enumerate(found):
        gone = np.isin(np.arange(len(own.of)), [*strongest(own.of)])
        left = mixed(groups, ~gone[None], rows[place : place + 1], explainer.typical)
        change = float(explainer.logits(left)[0]) - own.logit
        moved.append(change * own.of[gone].sum() < 0)
    assert np.mean(moved) >= 0.95
