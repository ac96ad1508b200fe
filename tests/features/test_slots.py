"""Columns of a field share its vocabulary and, within a width, its rows."""

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from clickthrough.config.features import Counters, Feature
from clickthrough.config.model import Mlp
from clickthrough.errors import ConfigError
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.encoding.vocabulary import Vocabulary
from clickthrough.features.plan import Plan, make_plan
from clickthrough.features.slots import Slot, table_sizes
from clickthrough.models.embeddings import Embeddings
from clickthrough.models.registry import build_model
from clickthrough.models.shape import InputShape
from clickthrough.schema import Schema

SCHEMA = Schema(
    roles={"time": "t", "user": "u", "item": "i"}, fields={"user": "int", "item": "int"}
)
SHARED: list[dict[str, object]] = [
    {"kind": "categorical", "fields": ["user", "item"]},
    {"kind": "time", "parts": ["hour"]},
    {"kind": "request_size"},
    {"kind": "sequence", "field": "item", "length": 3},
    {"kind": "sequence", "key": "item", "field": "user", "length": 2},
]


def plan_of(features: list[dict[str, object]]) -> Plan:
    declared = TypeAdapter(list[Feature]).validate_python(features)
    return make_plan(declared, Counters(), SCHEMA, "UTC")


def encoder() -> Encoder:
    plan = plan_of([feature for feature in SHARED if feature["kind"] != "request_size"])
    words = {"user": Vocabulary(np.arange(5)), "item": Vocabulary(np.arange(9))}
    return Encoder(plan, words, {}, 0.1)


def test_a_field_has_one_vocabulary_whichever_columns_look_it_up() -> None:
    plan = plan_of(SHARED)
    assert list(plan.vocabularies) == ["user", "item"]
    assert encoder().slots == (
        Slot("user", "id", "categorical(user)", "user", 7),
        Slot("item", "id", "categorical(item)", "item", 11),
        Slot("hour", "id", "time(hour)", "hour", 26),
        Slot("user_item_sequence", "sequence", "sequence(user:item)", "item", 11, 3),
        Slot("item_user_sequence", "sequence", "sequence(item:user)", "user", 7, 2),
    )
    assert table_sizes(encoder().slots) == {"user": 7, "item": 11, "hour": 26}


@pytest.mark.parametrize("more", [{"min_count": 3}, {"max_size": 10}])
def test_two_declarations_of_one_vocabulary_must_agree(more: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_of([SHARED[0], {"kind": "sequence", "field": "item", **more}])
    assert "categorical(item) and sequence(user:item)" in str(caught.value)


def test_a_candidate_and_a_sequence_of_such_share_rows() -> None:
    config = Mlp(hidden=[4], embedding_dim=3)
    model = build_model(config, InputShape(encoder().slots, (3,) * 5))
    (embeddings,) = model.embeddings
    assert isinstance(embeddings, Embeddings)
    assert embeddings.tables_of() == {"width_3.table.weight": ["user", "item", "hour"]}
    ids = torch.tensor([[2, 5, 3]], dtype=torch.int32)
    bags = torch.tensor([[5, 0, 0, 2, 0]], dtype=torch.int32)
    weights = torch.tensor([[1.0, 0, 0, 1.0, 0]])
    user, item, _, last_items, last_users = embeddings(ids, bags, weights).split(3, dim=1)
    assert torch.equal(item, last_items)
    assert torch.equal(user, last_users)
    assert torch.equal(embeddings.places(3, bags[:, :3])[:, 0], item)


def test_other_widths_are_other_rows() -> None:
    config = Mlp(hidden=[4], embedding_dim={"item": 8, "user_item_sequence": 2})
    slots = encoder().slots
    columns = [slot.name for slot in slots]
    model = build_model(config, InputShape(slots, config.dims(columns)))
    assert model.tables_of() == {
        "embeddings.0.width_2.table.weight": ["item"],
        "embeddings.0.width_8.table.weight": ["item"],
        "embeddings.0.width_16.table.weight": ["user", "hour"],
    }
