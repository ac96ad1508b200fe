from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.models.trees.inputs import MOST_CODES, Sizes, TreeInputs
from tests.models.trees.parts import SIZES, inputs_of


def made(sizes: Sizes, seed: int = 0) -> TreeInputs:
    rng = np.random.default_rng(seed)
    table = np.rint(rng.normal(0, 4, (sizes.starts[-1], 2)) * 2**12) / 2**12
    return TreeInputs(sizes, table.astype(np.float32))


def test_a_row_is_its_codes_its_ids_looked_up_its_bags_and_its_numbers() -> None:
    sizes = Sizes((40, 3), ((6, 2),))
    inputs = made(sizes)
    row = inputs_of(sizes, 2, 1)
    row = replace(row, bag_weights=np.array([[0.25, 0.75]], np.float32))
    (own,), (first, second) = row.ids[:, 0], 40 + row.bag_ids[0]
    bag = 0.25 * inputs.table[first] + 0.75 * inputs.table[second]
    expected = np.array([row.ids[0, 1], *inputs.table[own], *bag, *row.numeric[0]])
    np.testing.assert_allclose(inputs.matrix(row)[0], expected, rtol=1e-6)
    assert inputs.width == 5


def test_columns_with_few_ids_are_codes() -> None:
    assert Sizes((MOST_CODES, MOST_CODES + 1)).codes == [0]
    assert Sizes((MOST_CODES, MOST_CODES + 1)).looked_up == [1]


def test_a_bag_without_values_reads_as_nothing() -> None:
    sizes = Sizes((), ((6, 3),))
    empty = replace(inputs_of(sizes, 0, 4), bag_weights=np.zeros((4, 3), np.float32))
    np.testing.assert_array_equal(made(sizes).matrix(empty), np.zeros((4, 2)))


@given(st.permutations(range(50)), st.integers(0, 100))
def test_a_bag_is_the_same_to_the_bit_in_any_order(order: list[int], seed: int) -> None:
    sizes = Sizes((), ((1_000, 50),))
    inputs, rows = made(sizes), inputs_of(sizes, 0, 3, seed)
    other = replace(rows, bag_ids=rows.bag_ids[:, order], bag_weights=rows.bag_weights[:, order])
    np.testing.assert_array_equal(inputs.matrix(rows), inputs.matrix(other))


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_there_may_be_no_ids_no_bags_no_numbers_no_rows(rows: int) -> None:
    for sizes, numeric, width in (
        (Sizes(()), 2, 2), (Sizes((5, 40)), 0, 3), (Sizes((), ((6, 3),)), 0, 2), (SIZES, 1, 10),
    ):  # fmt: skip
        matrix = made(sizes).matrix(inputs_of(sizes, numeric, rows))
        assert matrix.shape == (rows, width)
        assert matrix.dtype == np.float32


def test_many_rows_read_as_each_of_them_does(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, rows = made(SIZES), inputs_of(SIZES, 2, 25)
    whole = inputs.matrix(rows)
    monkeypatch.setattr("clickthrough.models.trees.inputs._BLOCK", 10)
    np.testing.assert_array_equal(inputs.matrix(rows), whole)
    alone = [inputs.matrix(rows[start : start + 1]) for start in range(25)]
    np.testing.assert_array_equal(np.concatenate(alone), whole)
