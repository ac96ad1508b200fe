import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from clickthrough.training.optim import rowwise
from clickthrough.training.optim.placewise import summed_by_place
from clickthrough.training.optim.rowwise import RowWiseAdam

drawn = st.lists(st.integers(0, 12), max_size=40)


def gradient_of(rows: list[int]) -> Tensor:
    generator = torch.Generator().manual_seed(len(rows))
    values = torch.randn(len(rows), 3, generator=generator)
    return torch.sparse_coo_tensor(
        torch.tensor([rows]).long(), values, (13, 3), check_invariants=True
    )


@settings(deadline=None)
@given(rows=drawn)
def test_every_place_has_the_sum_of_its_row(rows: list[int]) -> None:
    gradient = gradient_of(rows)
    found, sums = summed_by_place(gradient)
    assert found.tolist() == sorted(rows)
    torch.testing.assert_close(sums, gradient.to_dense()[found])


@settings(deadline=None)
@given(rows=drawn)
def test_steps_are_the_same_as_by_row(rows: list[int]) -> None:
    weights = []
    for summed in (rowwise.summed_by_row, summed_by_place):
        table = nn.Embedding(13, 3, sparse=True)
        nn.init.ones_(table.weight)
        optimizer = RowWiseAdam(table.parameters(), 0.1)
        rowwise_sum, rowwise.summed_by_row = rowwise.summed_by_row, summed
        try:
            for _ in range(3):
                table.weight.grad = gradient_of(rows)
                optimizer.step()
        finally:
            rowwise.summed_by_row = rowwise_sum
        weights.append(table.weight.detach())
    torch.testing.assert_close(*weights)
    assert bool((weights[0] != 1).any()) == bool(rows)
