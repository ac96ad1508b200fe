import copy

import pytest
import torch
from torch import nn

from clickthrough.config.model import Mlp
from clickthrough.errors import ConfigError
from clickthrough.models.registry import build_model
from clickthrough.models.shape import InputShape
from clickthrough.training.distributed.group import ALONE
from clickthrough.training.distributed.tables import (
    ShardedTable,
    join_tables,
    own_rows,
    shard_tables,
    whole_tables,
)
from tests.training.distributed.test_share import Pretended


def test_rows_are_dealt_out_evenly() -> None:
    whole = torch.arange(11.0).unsqueeze(1)
    parts = [own_rows(whole, Pretended(rank, 3)) for rank in range(3)]
    assert [part.flatten().tolist() for part in parts] == [
        [0, 3, 6, 9],
        [1, 4, 7, 10],
        [2, 5, 8],
    ]


@pytest.mark.parametrize("rows", [torch.tensor([[3, 0], [3, 9]]), torch.zeros(0, 2).int()])
def test_a_table_of_one_process_is_an_embedding(rows: torch.Tensor) -> None:
    plain = nn.Embedding(10, 4, sparse=True)
    sharded = ShardedTable(copy.deepcopy(plain), ALONE)
    factors = torch.randn(*rows.shape, 4)
    for table in (plain, sharded):
        (table(rows) * factors).sum().backward()
    torch.testing.assert_close(sharded(rows), plain(rows))
    assert plain.weight.grad is not None and sharded.weight.grad is not None
    torch.testing.assert_close(sharded.weight.grad.to_dense(), plain.weight.grad.to_dense())


def test_a_model_is_what_it_was_after_all() -> None:
    model = build_model(Mlp(hidden=[4]), InputShape.of((30, 5), 2))
    state = copy.deepcopy(model.state_dict())
    shard_tables(model, ALONE)
    assert any(isinstance(module, ShardedTable) for module in model.modules())
    with whole_tables(model):
        (table,) = [module for module in model.modules() if isinstance(module, ShardedTable)]
        torch.testing.assert_close(
            table(torch.tensor([7])), state["embeddings.0.width_16.table.weight"][7:8]
        )
    join_tables(model)
    assert list(model.state_dict()) == list(state)
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert not any(isinstance(module, ShardedTable) for module in model.modules())


def test_a_table_that_cannot_be_dealt_out_is_refused() -> None:
    model = build_model(Mlp(hidden=[4]), InputShape.of((30, 5), 2))
    model.embeddings = nn.ParameterList([nn.Parameter(torch.zeros(30, 4))])  # type: ignore[assignment]
    with pytest.raises(ConfigError, match=r"training\.tables: CtrModel has tables that cannot"):
        shard_tables(model, ALONE)
