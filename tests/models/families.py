"""Small models of every family, and what they are fed: for the contract of models."""

from typing import Any

import numpy as np
import torch
from pydantic import ValidationError

from clickthrough.config.model import TorchFamily, settings_of
from clickthrough.config.training import Training
from clickthrough.errors import ClickthroughError
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.features.slots import Slot
from clickthrough.models.base import CtrModel
from clickthrough.models.registry import NETS, build_model
from clickthrough.models.shape import InputShape
from clickthrough.training.rows.table import Table
from tests.inputs import random_inputs

USER, ITEM = Slot("user", "id", "", "user", 30), Slot("item", "id", "", "item", 40)
SHOWN = Slot("shown", "id", "", "item", 40)
NUMBERS = tuple(Slot(name, "number") for name in ("price", "age", "rate"))
CLICKS = Slot("clicks", "sequence", "", "item", 40, 5)
VIEWS = Slot("views", "sequence", "", "item", 40, 3)
TOPICS, TAGS = Slot("topics", "bag", "", "topic", 20, 3), Slot("tags", "bag", "", "tag", 9, 2)

EVERYTHING = (USER, ITEM, *NUMBERS, CLICKS, TOPICS)
MIXES: dict[str, tuple[Slot, ...]] = {
    "everything": EVERYTHING,
    "several widths": EVERYTHING,
    "no bags": (USER, ITEM, *NUMBERS),
    "no ids": (*NUMBERS, CLICKS, TOPICS),
    "no numbers": (USER, ITEM, CLICKS, TOPICS),
    "ids alone": (USER, ITEM),
    "numbers alone": NUMBERS,
    "bags alone": (TOPICS, TAGS),
    "sequences": (ITEM, CLICKS, VIEWS),
    "one table": (ITEM, SHOWN, *NUMBERS, VIEWS),
}
_MANY = (
    *(Slot(f"id_{place}", "id", "", f"id_{place}", 9) for place in range(10)),
    *(Slot(f"number_{place}", "number") for place in range(19)),
)
PAST = Slot("past", "sequence", "", "item", 40, 9)
WIDE = {
    "many columns": (ITEM, *_MANY),
    "many columns and a past": (ITEM, *_MANY, PAST),
}
"""Graphs are compared on these: a sum of 8 fields or places could tell one row from several."""
WIDTHS = {"user": 2, "item": 3, "clicks": 3, "topics": 5}

FORMS: dict[str, dict[str, Any]] = {name: {"name": name} for name in NETS} | {
    "fwfm": {"name": "fm", "fwfm": True},
    "crossings alone": {"name": "dcn_v2", "hidden": []},
    "gated crossings": {"name": "dcn_v2", "gate": True, "rank": 3},
    "one branch": {"name": "final_net", "branches": 1},
    "told by columns": {"name": "final_mlp", "context": [["item"], []]},
}
"""Every family as it is by default, and what else a setting can make of one."""

ENSEMBLES: dict[str, dict[str, Any]] = {
    "one": {},
    **{share: {"members": 3, "share": share} for share in ("none", "tables", "all")},
}
_SMALL = {"hidden": [16], "other": [12], "attention": [6], "block": 6, "embedding_dim": 4}
_SMALL |= dict.fromkeys(("cross", "linear", "exponential", "heads", "blocks", "layers", "rank"), 2)


def settings(form: str, ensemble: str = "one", **more: Any) -> TorchFamily:  # noqa: ANN401
    """Return the settings of a small model.

    Raises:
        ValidationError: the family has no such setting.
    """
    given = FORMS.get(form, {"name": form}) | ENSEMBLES[ensemble] | more
    known = type(settings_of(given["name"])).model_fields
    small: dict[str, Any] = {name: value for name, value in _SMALL.items() if name in known}
    if given["name"] == "lr":
        del small["embedding_dim"]
    chosen = settings_of(**(small | given))
    assert isinstance(chosen, TorchFamily)
    return chosen


def shape_of(chosen: TorchFamily, slots: tuple[Slot, ...]) -> InputShape:
    looked_up = InputShape(slots, (1,) * sum(slot.kind != "number" for slot in slots)).looked_up
    return InputShape(slots, chosen.dims([slot.name for slot in looked_up]))


def built(form: str, ensemble: str = "one", mix: str = "everything", seed: int = 0) -> CtrModel:
    """Return a model with fresh weights.

    Raises:
        ClickthroughError: the family cannot be fed this.
        ValidationError: it has no such setting.
    """
    widths = {"embedding_dim": WIDTHS} if mix == "several widths" else {}
    chosen = settings(form, ensemble, **widths)
    torch.manual_seed(seed)
    return build_model(chosen, shape_of(chosen, (MIXES | WIDE)[mix]))  # type: ignore[arg-type]


def moved(model: CtrModel, by: float = 0.1) -> CtrModel:
    """Move weights away from their first values, of which some are 0."""
    tables = {id(table) for table in model.table_parameters()}
    with torch.no_grad():
        for parameter in model.parameters():
            scale = 0.5 if id(parameter) in tables else by
            parameter.add_(scale * torch.randn_like(parameter))
    return model


def taken(form: str, ensemble: str) -> list[str]:
    """Return the mixes of slots that a family can be fed."""
    found = []
    for mix in MIXES:
        try:
            built(form, ensemble, mix)
        except (ClickthroughError, ValidationError):
            continue
        found.append(mix)
    return found


def inputs_of(model: CtrModel, rows: int, seed: int = 0) -> Encoded:
    return random_inputs(model.shape, rows, seed)


def with_columns_of(inputs: Encoded, other: Encoded) -> dict[str, Encoded]:
    """Return the inputs with one column taken from others, for each column."""
    made = {}
    for name, array in inputs.arrays().items():
        for column in range(array.shape[1]):
            mixed = array.copy()
            mixed[:, column] = other.arrays()[name][:, column]
            arrays = inputs.arrays() | {name: mixed}
            made[f"{name}[{column}]"] = Encoded(*arrays.values())
    return made


def planted(rows: int, seed: int) -> Table:
    """Return rows that are clicked where user and item are both even, or both odd."""
    shape, rng = InputShape(EVERYTHING, (1,) * 4), np.random.default_rng(seed + 99)
    inputs = random_inputs(shape, rows, seed)
    inputs.ids[:] = rng.integers(2, 6, inputs.ids.shape)
    inputs.numeric[:] *= 0.1
    labels = (inputs.ids.sum(axis=1) % 2 == 0).astype(np.int8)
    offsets = np.append(np.arange(0, rows, 4), rows)
    return Table(inputs, labels, offsets, {"item": np.full(rows, 0.5, np.float32)})


def training(**more: Any) -> Training:  # noqa: ANN401
    given = {
        "epochs": 1,
        "batch_size": 50,
        "least_steps": 1,
        "learning_rate": 0.01,
        "decay": "none",
    }
    return Training.model_validate(given | more)
