"""The state of a run, from the leader, who reads it, to the others."""

import json
from typing import Any

import torch
from torch import Tensor

from clickthrough.training.distributed.group import Group, led_text

State = tuple[dict[str, Tensor], dict[str, Any]]
"""Tensors and numbers by name, as a checkpoint holds them."""


def led_state(group: Group, state: State | None) -> State | None:
    """Return the leader's state, if it has one.

    Args:
        group: the processes.
        state: the leader's; what the others give does not matter.
    """
    if group.size == 1:
        return state
    head = json.loads(led_text(group, json.dumps(state and _head(*state))))
    if head is None:
        return None
    given = state[0] if group.leads and state is not None else {}
    tensors = {}
    for name, kind, shape in head["tensors"]:
        values = given.get(name)
        if values is None:
            values = torch.empty(shape, dtype=getattr(torch, kind))
        tensors[name] = values.contiguous()
        group.lead(tensors[name])
    return tensors, head["numbers"]


def _head(tensors: dict[str, Tensor], numbers: dict[str, Any]) -> dict[str, Any]:
    listed = [
        [name, str(values.dtype).removeprefix("torch."), list(values.shape)]
        for name, values in tensors.items()
    ]
    return {"tensors": listed, "numbers": numbers}
