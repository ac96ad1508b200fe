"""The state of random generators, of every process."""

import torch
from torch import Tensor

from clickthrough.training.distributed.group import Group

_PRIME = 1_000_003
"""Between the seeds of two processes, so that none meets the other's next one."""


def seed_process(seed: int, group: Group) -> None:
    """Seed what dropout draws from: another seed in each process, as each has other rows."""
    torch.manual_seed(seed + _PRIME * group.rank)


def chance_of(device: torch.device, shared: torch.Generator, group: Group) -> dict[str, Tensor]:
    """Return the states of the generator that all share, and of each process's own one.

    Args:
        device: where random numbers are drawn.
        shared: the one that is in the same state everywhere.
        group: the processes.
    """
    own = torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()
    return {"shared": shared.get_state(), "own": torch.stack(group.gathered(own))}


def restore_chance(
    state: dict[str, Tensor], device: torch.device, shared: torch.Generator, group: Group
) -> None:
    """Go on from states; where they are of another device or fewer processes, from what there is.

    A process without a state keeps its own: it drew for no rows before.
    """
    if state["shared"].shape == shared.get_state().shape:
        shared.set_state(state["shared"])
    if group.rank >= len(state["own"]):
        return
    own = state["own"][group.rank].clone()
    if device.type == "cuda" and own.shape == torch.cuda.get_rng_state(device).shape:
        torch.cuda.set_rng_state(own, device)
    elif device.type == "cpu" and own.shape == torch.get_rng_state().shape:
        torch.set_rng_state(own)
