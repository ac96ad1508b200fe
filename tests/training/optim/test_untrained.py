"""Ids without a training row weigh what the unseen id weighs."""

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.config.model import Mlp
from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.features.encoding.vocabulary import Vocabulary
from clickthrough.features.plan import make_plan
from clickthrough.models.embeddings import Embeddings
from clickthrough.models.registry import build_model
from clickthrough.models.shape import InputShape
from clickthrough.schema import Schema
from clickthrough.training.optim.untrained import settle_untrained
from tests.inputs import random_inputs

FEATURES = [
    {"kind": "categorical", "fields": "city"},
    {"kind": "hashed", "fields": "user", "buckets": 6},
    {"kind": "time"},
    {"kind": "bag", "field": "tags", "length": 2},
]
SCHEMA = Schema(roles={"time": "t"}, fields={"city": "int", "user": "int", "tags": "ints"})
PLAN = make_plan(TypeAdapter(list[Feature]).validate_python(FEATURES), Counters(), SCHEMA, "UTC")
ENCODER = Encoder(
    PLAN, {"city": Vocabulary(np.arange(3)), "tags": Vocabulary(np.arange(4))}, {}, 0.1
)
SHAPE = InputShape(ENCODER.slots, (16,) * 5)


def inputs_of() -> Encoded:
    """Return rows that hold no city missing, user buckets 2 to 4, hours 2 and 3, one weekday."""
    made = random_inputs(SHAPE, 60)
    rng = np.random.default_rng(1)
    for place, (low, high) in enumerate([(2, 5), (2, 5), (2, 4), (6, 7)]):
        made.ids[:, place] = rng.integers(low, high, 60)
    made.bag_ids[:] = rng.integers(2, 5, made.bag_ids.shape)
    return made


@pytest.mark.parametrize("dim", [4, {"city": 3, "user_hashed": 3, "hour": 5}])
def test_only_ids_without_a_row_take_the_place_of_the_unseen_one(dim: int | dict[str, int]) -> None:
    config = Mlp(hidden=[4], embedding_dim=dim)
    columns = [*ENCODER.id_sizes, *ENCODER.bag_shapes]
    model = build_model(config, InputShape(ENCODER.slots, config.dims(columns)))
    (embeddings,) = model.embeddings
    assert isinstance(embeddings, Embeddings)
    before = [table.clone() for table in embeddings.tables()]
    settle_untrained(model, ENCODER, inputs_of())
    held = [{2, 3, 4}, {2, 3, 4}, {2, 3}, {6}, {2, 3, 4}]
    for old, new, ids in zip(before, embeddings.tables(), held, strict=True):
        for id_ in range(len(old)):
            assert torch.equal(new[id_], old[id_ if id_ in ids else 1])
