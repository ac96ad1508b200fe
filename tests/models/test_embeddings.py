import numpy as np
import pytest
import torch
from torch import Tensor

from clickthrough.bundle.export import tensors
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.features.slots import Slot
from clickthrough.models.embeddings import Embeddings, FusedEmbedding
from clickthrough.models.shape import InputShape
from tests.inputs import random_inputs

DIM = 3
SHAPE = InputShape.of((5, 1, 4), 2, ((6, 3), (2, 1), (7, 2)))
SIZES = [5, 1, 4, 6, 2, 7]
"""Of the columns, then of the bags: each owns so many rows of the table."""


def numbered(shape: InputShape = SHAPE) -> FusedEmbedding:
    """Return an embedding in which each row of the table holds its own number."""
    embedding = FusedEmbedding(shape.looked_up, DIM)
    rows = len(embedding.table.weight)
    with torch.no_grad():
        embedding.table.weight.copy_(torch.arange(rows).unsqueeze(1).expand(rows, DIM))
    return embedding


def embed(embedding: FusedEmbedding | Embeddings, inputs: Encoded) -> Tensor:
    ids, _, bag_ids, bag_weights = tensors(inputs)
    made: Tensor = embedding(ids, bag_ids, bag_weights)
    return made


def inputs_of(ids: list[list[int]], bags: list[list[int]], weights: list[list[float]]) -> Encoded:
    rows = max(len(ids), len(bags))
    return Encoded(
        np.array(ids, np.int32).reshape(rows, -1),
        np.empty((rows, 0), np.float32),
        np.array(bags, np.int32).reshape(rows, -1),
        np.array(weights, np.float32).reshape(rows, -1),
    )


def row_of(place: int, value: int) -> int:
    """Return the row of the table that an id of a column or bag owns."""
    return sum(SIZES[:place]) + value


def test_each_column_and_bag_owns_rows_of_its_own() -> None:
    embedding = numbered()
    assert embedding.table.weight.shape == (sum(SIZES), DIM)
    owned: list[list[int]] = []
    for place, size in enumerate(SIZES):
        rows = []
        for value in range(size):
            ids = [[value if other == place else 0 for other in range(3)]]
            bags = [[value if other == place else 0 for other in (3, 3, 3, 4, 5, 5)]]
            made = embed(embedding, inputs_of(ids, bags, [[1.0, 0, 0, 1.0, 1.0, 0]]))
            rows.append(int(made.reshape(6, DIM)[place, 0]))
        owned.append(rows)
    assert [row for rows in owned for row in rows] == list(range(sum(SIZES)))


def test_the_embedding_of_a_bag_is_the_weighted_mean_of_its_ids() -> None:
    embedding = FusedEmbedding(SHAPE.looked_up, DIM)
    table = embedding.table.weight.detach()
    inputs = random_inputs(SHAPE, 50, seed=4)
    made = embed(embedding, inputs).detach().reshape(50, 6, DIM)
    ends = np.cumsum([3, 1, 2])
    for i in range(50):
        for place in range(3):
            expected = table[row_of(place, int(inputs.ids[i, place]))]
            assert torch.equal(made[i, place], expected)
        for bag, (end, slot) in enumerate(zip(ends, SHAPE.bags, strict=True)):
            own = slice(end - slot.length, end)
            pairs = zip(inputs.bag_ids[i, own], inputs.bag_weights[i, own], strict=True)
            mean = sum(
                (float(w) * table[row_of(3 + bag, int(v))] for v, w in pairs), torch.zeros(DIM)
            )
            torch.testing.assert_close(made[i, 3 + bag], mean, atol=1e-6, rtol=1e-5)


def test_the_mean_of_a_bag_lies_among_its_embeddings() -> None:
    embedding = numbered(InputShape.of((), 0, ((10, 2),)))
    given = inputs_of([], [[4, 8], [4, 8], [4, 8]], [[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    assert embed(embedding, given)[:, 0].tolist() == [6.0, 7.0, 4.0]


def test_an_empty_bag_is_nothing_whatever_its_ids_are_embedded_as() -> None:
    embedding = numbered(InputShape.of((), 0, ((10, 3),)))
    assert embed(embedding, inputs_of([], [[0, 9, 3]], [[0.0] * 3])).tolist() == [[0.0] * DIM]


def test_the_order_of_a_bag_means_nothing() -> None:
    embedding = FusedEmbedding(InputShape.of((), 0, ((10, 3),)).looked_up, DIM)
    one = embed(embedding, inputs_of([], [[2, 5, 7]], [[0.5, 0.2, 0.3]]))
    other = embed(embedding, inputs_of([], [[7, 2, 5]], [[0.3, 0.5, 0.2]]))
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    "shape",
    [
        SHAPE,
        InputShape.of((5, 4), 2),
        InputShape.of((), 2, ((6, 3), (2, 1))),
        InputShape.of((9,), 0, ((6, 1),)),
    ],
    ids=str,
)
def test_every_row_has_the_width_that_the_model_is_told(shape: InputShape) -> None:
    count = len(shape.looked_up)
    for dims in ([DIM] * count, [1 + column % 2 for column in range(count)]):
        embedding = Embeddings(InputShape(shape.slots, tuple(dims)))
        assert embedding.width == sum(dims)
        for rows in (1, 7):
            assert embed(embedding, random_inputs(shape, rows)).shape == (rows, sum(dims))


def test_columns_of_several_widths_are_joined_in_their_order() -> None:
    dims = [2, 3, 2, 4, 3, 2]
    embeddings = Embeddings(InputShape(SHAPE.slots, tuple(dims)))
    assert embeddings.tables_of() == {
        "width_2.table.weight": ["id_0", "id_2", "bag_2"],
        "width_3.table.weight": ["id_1", "bag_1"],
        "width_4.table.weight": ["bag_0"],
    }
    inputs = random_inputs(SHAPE, 30, seed=5)
    made = torch.split(embed(embeddings, inputs).detach(), dims, dim=1)
    tables = embeddings.tables()
    assert [tuple(table.shape) for table in tables] == [*zip(SIZES, dims, strict=True)]
    for place, part in enumerate(made[:3]):
        assert torch.equal(part, tables[place][inputs.ids[:, place]])
    ends = np.cumsum([3, 1, 2])
    for part, table, end, slot in zip(made[3:], tables[3:], ends, SHAPE.bags, strict=True):
        own = slice(end - slot.length, end)
        weights = torch.from_numpy(inputs.bag_weights[:, own]).unsqueeze(2)
        mean = (table[inputs.bag_ids[:, own]] * weights).sum(1)
        torch.testing.assert_close(part, mean, atol=1e-6, rtol=1e-5)


def test_gradients_are_sparse_and_touch_the_rows_of_the_batch_alone() -> None:
    shape = InputShape.of((1_000, 50), 0, ((2_000, 4),))
    embedding = FusedEmbedding(shape.looked_up, DIM)
    inputs = random_inputs(shape, 8, seed=2)
    embed(embedding, inputs).square().sum().backward()  # type: ignore[no-untyped-call]
    gradient = embedding.table.weight.grad
    assert gradient is not None
    assert gradient.is_sparse
    touched = set(gradient.coalesce().indices()[0].tolist())
    starts = [0, 1_000, 1_050, 1_050, 1_050, 1_050]
    rows = np.concatenate([inputs.ids, inputs.bag_ids], axis=1) + starts
    assert touched == set(rows.ravel().tolist())
    assert len(touched) < 8 * 6 + 1 < 3_050


def test_an_optimizer_leaves_the_rows_of_other_batches_alone() -> None:
    shape = InputShape.of((100,), 0, ((100, 2),))
    embedding = FusedEmbedding(shape.looked_up, DIM)
    before = embedding.table.weight.detach().clone()
    optimizer = torch.optim.SparseAdam(embedding.parameters(), lr=0.1)
    inputs = inputs_of([[3], [4]], [[7, 0], [8, 9]], [[1.0, 0.0], [0.5, 0.5]])
    embed(embedding, inputs).sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()  # type: ignore[no-untyped-call]
    changed = (embedding.table.weight.detach() != before).any(dim=1).nonzero().ravel().tolist()
    assert changed == [3, 4, 107, 108, 109]


def test_where_the_rows_begin_is_not_a_weight() -> None:
    """Weights are saved without it: it follows from the shape."""
    assert set(FusedEmbedding(SHAPE.looked_up, DIM).state_dict()) == {"table.weight"}
    assert set(Embeddings(InputShape(SHAPE.slots, (DIM,) * 6)).state_dict()) == {
        "width_3.table.weight"
    }


ITEM, SHOWN = Slot("item", "id", "", "item", 9), Slot("shown", "id", "", "item", 9)
TAGS, CLICKS = Slot("tags", "bag", "", "tag", 5, 2), Slot("clicks", "sequence", "", "item", 9, 3)
SHARED = InputShape((ITEM, SHOWN, TAGS, CLICKS), (DIM,) * 4)


def test_columns_of_a_field_share_the_rows_of_one_table() -> None:
    embeddings = Embeddings(SHARED)
    assert embeddings.tables_of() == {"width_3.table.weight": ["item", "tag"]}
    (table,) = embeddings.parameters()
    assert len(table) == 9 + 5
    made = embed(embeddings, inputs_of([[4, 4]], [[1, 0, 4, 0, 0]], [[1.0, 0, 1.0, 0, 0]]))
    item, shown, _, clicks = torch.split(made, DIM, dim=1)
    assert torch.equal(item, shown) and torch.equal(item, clicks)


def test_a_sequence_is_embedded_place_by_place_with_the_rows_of_its_table() -> None:
    embeddings, ids = Embeddings(SHARED), torch.tensor([[4, 0, 8], [1, 4, 4]], dtype=torch.int32)
    rows = embeddings.tables()[0]
    assert torch.equal(embeddings.places(3, ids).detach(), rows[ids])
    assert SHARED.places(3) == slice(2, 5)
    assert SHARED.span(3) == slice(3 * DIM, 4 * DIM)


def test_columns_of_a_field_with_different_widths_share_nothing() -> None:
    embeddings = Embeddings(InputShape((ITEM, SHOWN), (2, 4)))
    assert embeddings.tables_of() == {
        "width_2.table.weight": ["item"],
        "width_4.table.weight": ["item"],
    }
