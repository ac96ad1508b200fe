import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn

from clickthrough.training.optim.rowwise import RowWiseAdam, summed_by_row

ROWS, DIM, RATE = 12, 3, 0.01
batches = st.lists(
    st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=20), min_size=1, max_size=6
)


def table_of(rows: int = ROWS, seed: int = 0) -> nn.Embedding:
    torch.manual_seed(seed)
    return nn.Embedding(rows, DIM, sparse=True)


def backward(table: nn.Embedding, ids: list[int], seed: int) -> Tensor:
    """Leave a sparse gradient; return the gradient of each place, shape (places, DIM)."""
    slopes = torch.randn(len(ids), DIM, generator=torch.Generator().manual_seed(seed))
    table.zero_grad()
    (table(torch.tensor(ids)) * slopes).sum().backward()
    return slopes


def reference(
    weights: np.ndarray, steps: list[tuple[list[int], np.ndarray]], l2: float
) -> np.ndarray:
    """Follow the docstring's formulas, a row at a time, in double precision."""
    weights = weights.astype(np.float64)
    moments = [0.0] * len(weights)
    for number, (ids, slopes) in enumerate(steps, start=1):
        for row in set(ids):
            gradient = sum(slopes[place] for place, one in enumerate(ids) if one == row)
            gradient = gradient + l2 * weights[row]
            moments[row] = 0.999 * moments[row] + 0.001 * float(np.mean(gradient**2))
            rate = RATE * np.sqrt(1 - 0.999**number)
            weights[row] -= rate * gradient / (np.sqrt(moments[row]) + 1e-8)
    return weights


@settings(max_examples=60, deadline=None)
@given(batches, st.sampled_from([0.0, 0.5]))
def test_each_row_is_changed_as_the_formulas_say(ids: list[list[int]], l2: float) -> None:
    table = table_of()
    before = table.weight.detach().numpy().copy()
    optimizer = RowWiseAdam(table.parameters(), RATE, l2)
    steps = []
    for number, batch in enumerate(ids):
        slopes = backward(table, batch, number).numpy().astype(np.float64)
        steps.append((batch, slopes))
        optimizer.step()
    found = table.weight.detach().numpy()
    np.testing.assert_allclose(found, reference(before, steps, l2), rtol=2e-4, atol=2e-6)
    untouched = sorted(set(range(ROWS)) - {row for batch in ids for row in batch})
    assert np.array_equal(found[untouched], before[untouched])
    assert not optimizer.state[table.weight]["moments"][untouched].any()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=200))
def test_gradients_are_summed_by_row_as_coalesce_sums_them(ids: list[int]) -> None:
    table = table_of(41)
    backward(table, ids, 1)
    assert table.weight.grad is not None
    rows, sums = summed_by_row(table.weight.grad)
    expected = table.weight.grad.coalesce()
    assert torch.equal(rows, expected.indices()[0])
    torch.testing.assert_close(sums, expected.values(), atol=1e-5, rtol=1e-5)


def test_a_first_step_is_as_long_as_the_rate_whatever_the_gradient() -> None:
    for scale in (1e-2, 1.0, 1e4):
        table = table_of()
        before = table.weight.detach().clone()
        (table(torch.tensor([4, 4, 7])) * scale).sum().backward()
        RowWiseAdam(table.parameters(), RATE).step()
        moved = (before - table.weight.detach())[[4, 7]]
        torch.testing.assert_close(moved, torch.full((2, DIM), RATE), rtol=2e-3, atol=0)


def test_a_table_without_a_gradient_is_left_alone() -> None:
    table = table_of()
    before = table.weight.detach().clone()
    RowWiseAdam(table.parameters(), RATE).step()
    assert torch.equal(table.weight.detach(), before)


def test_the_state_is_one_number_a_row() -> None:
    table = table_of()
    state = RowWiseAdam(table.parameters(), RATE).state_dict()["state"][0]
    assert {name: tuple(value.shape) for name, value in state.items()} == {
        "step": (),
        "moments": (ROWS,),
    }


@pytest.mark.parametrize("kept", [True, False])
def test_a_loaded_state_goes_on_as_if_nothing_had_happened(kept: bool) -> None:
    def stepped(table: nn.Embedding, optimizer: RowWiseAdam, numbers: range) -> None:
        for number in numbers:
            backward(table, [number % ROWS, 3, 3], number)
            optimizer.step()

    straight, broken = table_of(), table_of()
    stepped(straight, RowWiseAdam(straight.parameters(), RATE), range(10))
    first = RowWiseAdam(broken.parameters(), RATE)
    stepped(broken, first, range(5))
    second = RowWiseAdam(broken.parameters(), RATE)
    if kept:
        second.load_state_dict(first.state_dict())
    stepped(broken, second, range(5, 10))
    assert torch.equal(straight.weight, broken.weight) is kept
