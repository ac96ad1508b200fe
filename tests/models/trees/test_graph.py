import shutil
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.bundle import Bundle, layout, load_bundle
from clickthrough.bundle.graph import extremes
from clickthrough.bundle.runtime import OnnxModel
from clickthrough.bundle.weights import weights_of
from clickthrough.errors import BundleError
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.models.trees import FittedTrees, Sizes, fit_trees
from clickthrough.models.trees.flat import FlatTrees
from tests.models.trees.parts import SIZES, SMALL, inputs_of, part_of, random_part, written
from tests.serving.bundles import seal

ZERO = np.float32(1e-35)
"""LightGBM reads what is no further from 0 as 0."""


def fitted(sizes: Sizes, numeric: int, rows: int = 2_000, **settings: Any) -> FittedTrees:  # noqa: ANN401 - those of trees
    train, validation = (random_part(sizes, numeric, rows, seed) for seed in (1, 2))
    return fit_trees(train, validation, sizes, SMALL.model_copy(update=settings))


def graph_of(trees: FittedTrees, folder: Path) -> OnnxModel:
    trees.write(folder / "model.onnx")
    return OnnxModel(folder / "model.onnx")


def numbers_only(numeric: NDArray[np.float32]) -> Encoded:
    return replace(inputs_of(Sizes(()), 0, len(numeric)), numeric=numeric)


@pytest.mark.parametrize(
    ("sizes", "numeric"),
    [
        (SIZES, 4),
        (Sizes((5, 300)), 4),
        (Sizes(()), 4),
        (Sizes((5, 300)), 0),
        (Sizes((5,)), 0),
        (Sizes((300,)), 0),
        (Sizes((), ((20, 3),)), 0),
        (Sizes((), ((20, 1), (7, 50))), 2),
    ],
    ids=str,
)
@pytest.mark.parametrize("objective", ["binary", "lambdarank"])
def test_the_graph_equals_lightgbm_to_the_bit(
    tmp_path: Path, sizes: Sizes, numeric: int, objective: str
) -> None:
    trees = fitted(sizes, numeric, objective=objective)
    graph = graph_of(trees, tmp_path)
    for rows in (1, 2, 16, 100, 1_000):
        inputs = inputs_of(sizes, numeric, rows, seed=rows)
        found = graph.logits(inputs)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, trees.logits(inputs))
    assert len(set(found.tolist())) > 3


def test_inputs_without_a_column_are_left_out(tmp_path: Path) -> None:
    for sizes, numeric, names in (
        (SIZES, 1, ["bag_ids", "bag_weights", "ids", "numeric"]),
        (Sizes((5,)), 0, ["ids"]),
        (Sizes(()), 2, ["numeric"]),
    ):
        fitted(sizes, numeric).write(tmp_path / "model.onnx")
        graph = onnx.load(tmp_path / "model.onnx").graph
        assert sorted(entry.name for entry in graph.input) == names
        assert [entry.name for entry in graph.output] == ["logit"]


def test_a_row_scores_the_same_whatever_stands_beside_it(tmp_path: Path) -> None:
    graph = graph_of(fitted(SIZES, 4, rounds=120), tmp_path)
    inputs = inputs_of(SIZES, 4, 1_000, seed=5)
    together = graph.logits(inputs)
    assert len(set(together.tolist())) > 900
    for rows in (1, 2, 3, 7, 16, 64, 100):
        parts = [graph.logits(inputs[start : start + rows]) for start in range(0, 1_000, rows)]
        np.testing.assert_array_equal(np.concatenate(parts), together)


@pytest.mark.parametrize("rows", [1, 2, 16, 100, 1_000])
def test_trees_are_added_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    trees = fitted(Sizes(()), 1, rounds=99, learning_rate=0.01)
    flat = FlatTrees.of(trees.booster)
    leaves = np.diff(np.append(flat.roots, len(flat.columns))) + 1  # one more than nodes
    assert len(leaves) > 60
    of_tree = np.resize([300.0, 2.0**60, -(2.0**60)], len(leaves))  # 2^60 + 300 is 2^60 + 256
    other = replace(flat, leaves=np.repeat(of_tree, leaves))
    monkeypatch.setattr(FlatTrees, "of", lambda _: other)
    in_order = np.float32(reduce(add, of_tree.tolist()))
    assert in_order != np.float32(reduce(add, of_tree[::-1].tolist()))
    graph = graph_of(trees, tmp_path)
    found = graph.logits(numbers_only(np.zeros((rows, 1), np.float32)))
    np.testing.assert_array_equal(found, np.full(rows, in_order))


@pytest.fixture(scope="module")
def near_zero() -> FittedTrees:
    """Trees with thresholds at both ends of what LightGBM reads as 0, and elsewhere."""
    steps = np.array([-1.0, -2e-35, 0.0, 0.0, 2e-35, 1.0, 3.0, 1e30], np.float32)
    numeric = np.random.default_rng(3).choice(steps, (4_000, 2))
    chances = np.linspace(0.1, 0.8, 7)[np.searchsorted(np.unique(steps), numeric[:, 0])]
    part = part_of(numbers_only(numeric), chances)
    trees = fit_trees(part, part, Sizes(()), SMALL)
    assert {float(ZERO), -float(ZERO)} <= set(written(trees, "threshold").tolist())
    return trees


@pytest.fixture(scope="module")
def near_zero_graph(tmp_path_factory: pytest.TempPathFactory, near_zero: FittedTrees) -> OnnxModel:
    return graph_of(near_zero, tmp_path_factory.mktemp("graph"))


def around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return numbers, their neighbours in float32, and the same with the other sign."""
    near = [values, np.nextafter(values, np.float32(-9e37)), np.nextafter(values, np.float32(9e37))]
    return np.concatenate([*near, *(-one for one in near)])


def test_rows_on_thresholds_and_near_zero_go_where_lightgbm_sends_them(
    near_zero: FittedTrees, near_zero_graph: OnnxModel
) -> None:
    asked = np.unique(written(near_zero, "threshold"))
    tiny, huge = np.finfo(np.float32).smallest_subnormal, np.finfo(np.float32).max
    others = np.array([0.0, ZERO, 1e-36, 1e-38, tiny, huge / 2], np.float32)
    values = around(np.concatenate([asked.astype(np.float32), others]))
    numeric = np.stack([np.repeat(values, len(values)), np.tile(values, len(values))], axis=1)
    inputs = numbers_only(numeric)
    expected = near_zero.logits(inputs)
    assert len(set(expected.tolist())) > 5
    np.testing.assert_array_equal(near_zero_graph.logits(inputs), expected)


NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=40))
def test_any_numbers_score_as_in_lightgbm(
    near_zero: FittedTrees, near_zero_graph: OnnxModel, numbers: list[tuple[float, float]]
) -> None:
    inputs = numbers_only(np.array(numbers, np.float32))
    np.testing.assert_array_equal(near_zero_graph.logits(inputs), near_zero.logits(inputs))


def test_one_tree_and_trees_of_one_leaf_are_graphs_too(tmp_path: Path) -> None:
    one = fitted(SIZES, 2, rounds=1)
    assert one.booster.num_trees() == 1
    alone = fitted(SIZES, 2, min_child=1_500)  # no split leaves so many on both sides
    assert written(alone, "num_leaves").tolist() == [1]
    inputs = inputs_of(SIZES, 2, 100)
    for trees, values in ((one, 8), (alone, 1)):
        found = graph_of(trees, tmp_path).logits(inputs)
        np.testing.assert_array_equal(found, trees.logits(inputs))
        assert len(set(found.tolist())) <= values


def test_the_same_trees_are_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "other"):
        fitted(SIZES, 2).write(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_leaves_and_thresholds_are_among_the_weights_of_a_graph(tmp_path: Path) -> None:
    trees = fitted(SIZES, 2)
    trees.write(tmp_path / "model.onnx")
    flat, found = FlatTrees.of(trees.booster), list(weights_of(tmp_path / "model.onnx"))
    for values in (flat.leaves, flat.thresholds, trees.inputs.table.ravel()):
        assert any(np.array_equal(values, weights) for weights in found)


def with_graph_of(trees: FittedTrees, bundle: Path, target: Path) -> Path:
    """Return a copy of a bundle whose graph is that of trees."""
    shutil.copytree(bundle, target)
    trees.write(target / layout.ONNX)
    seal(target)
    return target


@pytest.fixture(scope="module")
def of_bundle(bundle: Bundle) -> FittedTrees:
    """Trees that are fed what a bundle's encoder makes."""
    encoder = bundle.encoder
    sizes = Sizes(tuple(encoder.id_sizes.values()), tuple(encoder.bag_shapes.values()))
    return fitted(sizes, len(encoder.numeric_names))


def test_a_bundle_with_trees_is_loaded(
    tmp_path: Path, bundle_path: Path, bundle: Bundle, of_bundle: FittedTrees
) -> None:
    loaded = load_bundle(with_graph_of(of_bundle, bundle_path, tmp_path / "copy"))
    rows = extremes(bundle.encoder)
    np.testing.assert_array_equal(loaded.model.logits(rows), of_bundle.logits(rows))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("part", ["leaves", "thresholds"])
def test_a_bundle_with_an_absurd_leaf_or_threshold_is_refused(
    tmp_path: Path,
    bundle_path: Path,
    of_bundle: FittedTrees,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    value: float,
) -> None:
    flat = FlatTrees.of(of_bundle.booster)
    values = getattr(flat, part).copy()
    values[len(values) // 2] = value
    monkeypatch.setattr(FlatTrees, "of", lambda _: replace(flat, **{part: values}))
    with pytest.raises(BundleError, match=r"expected (weights that are finite|a finite logit)"):
        load_bundle(with_graph_of(of_bundle, bundle_path, tmp_path / "copy"))
