from dataclasses import replace

import numpy as np
import pytest

from clickthrough.evaluation.metrics import auc
from clickthrough.models.trees import Sizes, TreeSettings, fit_trees
from clickthrough.models.trees.inputs import TreeInputs
from clickthrough.models.trees.rates import fit_inputs
from tests.models.trees.parts import SIZES, Part, inputs_of, part_of, random_part

ONE_COLUMN = Sizes((100,))


def one_column(ids: list[int], labels: list[int]) -> Part:
    """Return a request of five for each id, one click in those that are labelled."""
    column = np.repeat(np.array(ids, np.int32), 5)[:, None]
    inputs = replace(inputs_of(ONE_COLUMN, 0, len(column)), ids=column)
    clicks = np.zeros((len(ids), 5), np.int8)
    clicks[:, 0] = labels
    return Part(inputs, clicks.ravel(), np.arange(0, 5 * len(ids) + 1, 5))


def test_an_id_reads_as_its_smoothed_log_odds_against_all_and_its_count() -> None:
    part = one_column([7] * 4 + [8] * 6, [1] * 4 + [1, 0, 0, 0, 0, 0])
    inputs, _ = fit_inputs(part, ONE_COLUMN)
    prior = 5 / 50
    rate = (4 + 20 * prior) / (20 + 20)
    expected = np.log(rate / (1 - rate)) - np.log(prior / (1 - prior))
    np.testing.assert_allclose(inputs.table[7], [expected, np.log1p(20)], atol=2**-12)
    assert inputs.table[7, 0] > 0 > inputs.table[8, 0]


def test_an_id_that_training_never_saw_reads_as_no_evidence() -> None:
    inputs, _ = fit_inputs(one_column([7, 8], [1, 0]), ONE_COLUMN)
    np.testing.assert_array_equal(inputs.table[99], [0, 0])


def test_a_training_row_reads_its_ids_as_other_blocks_of_requests_saw_them() -> None:
    part = random_part(SIZES, 2, 500)
    _, matrix = fit_inputs(part, SIZES)
    for fold in range(5):
        rows = slice(100 * fold, 100 * fold + 100)
        others = np.delete(np.arange(500), rows)
        alone = Part(part.inputs[others], part.labels[others], part.offsets[:81])
        inputs, _ = fit_inputs(alone, SIZES)
        seen = inputs.matrix(part.inputs[rows])
        # the click rate of all, and the number of rows, are those of the whole
        np.testing.assert_allclose(matrix[rows], seen, atol=0.25)


def test_a_training_row_reads_counts_as_other_rows_will() -> None:
    inputs, matrix = fit_inputs(one_column([7] * 10, [1, 0] * 5), ONE_COLUMN)
    np.testing.assert_array_equal(matrix[:, 1], np.full(50, inputs.table[7, 1]))


def test_what_a_training_row_reads_does_not_hang_on_the_labels_of_its_block() -> None:
    part = random_part(SIZES, 2, 500)
    labels = part.labels.copy()
    labels[:100] = labels[:100][::-1]  # as many clicks in all
    changed = replace(part, labels=labels)
    (_, one), (_, other) = fit_inputs(part, SIZES), fit_inputs(changed, SIZES)
    np.testing.assert_array_equal(one[:100], other[:100])
    assert (one[100:] != other[100:]).any()


def test_an_id_of_one_block_reads_as_never_seen_there() -> None:
    _, matrix = fit_inputs(one_column(list(range(10)), [1, 0] * 5), ONE_COLUMN)
    np.testing.assert_array_equal(matrix, np.zeros((50, 2)))


@pytest.mark.parametrize("size", [1, 10])
def test_random_ids_teach_nothing(size: int) -> None:
    parts = []
    for seed in (1, 2, 3):
        inputs = inputs_of(Sizes((4_000, 4_000)), 0, 4_000, seed)
        parts.append(part_of(inputs, np.full(4_000, 0.3), seed, size))
    train, validation, test = parts
    settings = TreeSettings(rounds=50, min_child=10, threads=1)
    trees = fit_trees(train, validation, Sizes((4_000, 4_000)), settings)
    assert abs(auc(test.labels, trees.logits(test.inputs).astype(np.float64)) - 0.5) < 0.03
    _, matrix = fit_inputs(train, Sizes((4_000, 4_000)))
    assert abs(auc(train.labels, matrix[:, 0].astype(np.float64)) - 0.5) < 0.03


def test_the_check_sees_rates_that_hold_a_rows_own_label() -> None:
    inputs = inputs_of(Sizes((4_000,)), 0, 4_000)
    part = part_of(inputs, np.full(4_000, 0.3))
    fitted, _ = fit_inputs(part, Sizes((4_000,)))
    assert auc(part.labels, fitted.matrix(inputs)[:, 0].astype(np.float64)) > 0.8


def test_rows_of_weight_0_are_not_counted_and_a_scale_says_nothing() -> None:
    part = random_part(SIZES, 1, 400)
    twice = [np.float32(2) * np.ones(400, np.float32), np.ones(400, np.float32), None]
    tables = [fit_inputs(replace(part, weights=w), SIZES)[0].table for w in twice]
    np.testing.assert_array_equal(tables[0], tables[2])
    np.testing.assert_array_equal(tables[1], tables[2])
    weights = np.ones(400, np.float32)
    weights[part.inputs.ids[:, 1] == part.inputs.ids[0, 1]] = 0
    table = fit_inputs(replace(part, weights=weights), SIZES)[0].table
    np.testing.assert_array_equal(table[part.inputs.ids[0, 1]], [0, 0])


def test_a_place_in_a_bag_that_weighs_nothing_is_not_counted() -> None:
    sizes = Sizes((), ((6, 2),))
    inputs = replace(
        inputs_of(sizes, 0, 100),
        bag_ids=np.tile(np.array([3, 0], np.int32), (100, 1)),
        bag_weights=np.tile(np.array([1, 0], np.float32), (100, 1)),
    )
    fitted, _ = fit_inputs(part_of(inputs, np.full(100, 0.5)), sizes)
    np.testing.assert_allclose(fitted.table[[3, 0], 1], [np.log1p(100), 0], atol=2**-12)


def test_one_request_is_enough_to_go_on() -> None:
    part = Part(inputs_of(SIZES, 1, 4), np.array([0, 1, 0, 0], np.int8), np.array([0, 4]))
    inputs, matrix = fit_inputs(part, SIZES)
    assert isinstance(inputs, TreeInputs)
    assert np.isfinite(matrix).all()
