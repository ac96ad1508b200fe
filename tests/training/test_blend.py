"""Members of any family as one graph."""

from pathlib import Path

import numpy as np
import pytest
import torch

from clickthrough.bundle import layout
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.config.model import Mlp, WideDeep
from clickthrough.models.registry import build_model
from clickthrough.models.shape import InputShape
from clickthrough.training.blend import Blended, fit_weights
from clickthrough.training.fitted import FittedModule
from tests.inputs import random_inputs

SHAPE = InputShape.of((7, 300), 4, ((20, 3),))
NUMBERS = InputShape.of((), 4)


def member(seed: int, settings: Mlp | WideDeep) -> FittedModule:
    torch.manual_seed(seed)
    model = build_model(settings, SHAPE)
    for last in model.lasts.modules():
        if isinstance(last, torch.nn.Linear):
            torch.nn.init.normal_(last.weight)
    return FittedModule(model.eval())


@pytest.fixture
def blended() -> Blended:
    some = [member(1, Mlp(hidden=[8])), member(2, WideDeep(hidden=[6], members=2))]
    return Blended(some, [0.7, 0.2])


def test_the_graph_says_what_members_say_together(blended: Blended, tmp_path: Path) -> None:
    inputs = random_inputs(SHAPE, 200)
    blended.write(tmp_path, inputs)
    graph = OnnxModel(tmp_path / layout.ONNX)
    found = graph.logits(inputs)
    one, other = (own.logits(inputs) for own in blended.members)
    assert float(np.std(one - other)) > 0.1
    np.testing.assert_allclose(found, 0.7 * one + 0.2 * other, atol=1e-5)
    np.testing.assert_allclose(blended.logits(inputs), found, atol=1e-5)
    alone = np.concatenate([graph.logits(inputs[row : row + 1]) for row in range(200)])
    np.testing.assert_array_equal(alone, found)
    assert [path.name for path in tmp_path.iterdir()] == [layout.ONNX]


@pytest.mark.slow
def test_equal_members_give_equal_files(blended: Blended, tmp_path: Path) -> None:
    inputs = random_inputs(SHAPE, 20)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        blended.write(tmp_path / name, inputs)
    one, other = ((tmp_path / name / layout.ONNX).read_bytes() for name in ("one", "other"))
    assert one == other


def test_what_tells_nothing_weighs_nothing_and_is_left_out() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(-1, 1.5, 20_000)
    labels = rng.binomial(1, 1 / (1 + np.exp(-truth))).astype(np.int8)
    seen = truth + rng.normal(0, 0.3, 20_000)
    weights = fit_weights([seen, rng.normal(size=20_000), -truth], labels)
    assert weights[0] == pytest.approx(1.0, abs=0.1)
    assert weights[1:].max() < 0.05
    assert len(Blended([member(1, Mlp(hidden=[4]))] * 3, [1.0, 0.0, 0.0]).members) == 1


def test_two_views_of_a_truth_are_better_together() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(0, 2, 20_000)
    labels = rng.binomial(1, 1 / (1 + np.exp(-truth))).astype(np.int8)
    views = [truth + rng.normal(0, 1, 20_000) for _ in range(2)]
    weights = fit_weights(views, labels)
    assert weights[0] == pytest.approx(weights[1], abs=0.1)
    assert weights.min() > 0.2


def test_where_nothing_tells_all_weigh_the_same() -> None:
    labels = np.array([0, 1] * 100, np.int8)
    assert fit_weights([np.zeros(200), np.zeros(200)], labels).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(("clicks", "share"), [(0, 0.0), (25, 0.5), (100, 1.0), (400, 1.0)])
def test_of_few_clicks_weights_are_believed_in_part(clicks: int, share: float) -> None:
    rng = np.random.default_rng(5)
    labels = np.zeros(4_000, np.int8)
    labels[:clicks] = 1
    telling = np.where(labels == 1, 2.0, -3.0) + rng.normal(size=4_000)
    other = rng.normal(size=4_000)
    weights = fit_weights([telling, other], labels)
    assert (weights >= 0).all()
    if not share:
        assert weights.tolist() == [0.5, 0.5]
        return
    assert weights[0] > weights[1]
    if share == 0.5:
        assert weights[1] >= 0.25
