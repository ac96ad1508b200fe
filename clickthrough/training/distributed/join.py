"""Joining the processes that ``torchrun`` started."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from clickthrough.errors import ClickthroughError

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

    from clickthrough.training.distributed.group import Group

_PATIENCE = timedelta(days=1)
"""How long processes wait for each other: the leader may convert a large log. Where a process ends,
the others hear of it at once."""
_FAILED, _DONE = "clickthrough/failed", "clickthrough/done"
_SECONDS = 10


def size_of_environment() -> int:
    """Return how many processes ``torchrun`` started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def group_of_process() -> "Group":
    """Return the processes that this one has joined."""
    import torch.distributed as dist

    from clickthrough.training.distributed.group import ALONE, Processes

    if not dist.is_available() or not dist.is_initialized():
        return ALONE
    return Processes(int(os.environ.get("LOCAL_RANK", "0")))


@contextmanager
def joined() -> Iterator[bool]:
    """Join the processes of the environment for a while; tell whether this one talks for all.

    Tensors on a processor go over gloo, those on a GPU over NCCL. The error of the process that
    fails first ends all of them, and is the only one that is told. Where all went well, a process
    ends by :func:`leave`.
    """
    if size_of_environment() == 1:
        yield True
        return
    import torch.distributed as dist
    from torch.distributed.rendezvous import rendezvous

    store, rank, size = next(rendezvous("env://", timeout=_PATIENCE))
    dist.init_process_group(store=store, rank=rank, world_size=size, timeout=_PATIENCE)
    try:
        yield rank == 0
        _part(store, size)
    except BaseException as error:
        first = _is_first(store)
        dist.destroy_process_group()
        if not first and isinstance(error, ClickthroughError):
            time.sleep(_SECONDS)  # torchrun ends all with the first: let that one tell why
            raise SystemExit(2) from None
        raise


def leave() -> None:
    """End a process that had joined others and is done; one that was alone goes on.

    The interpreter is not shut down: the threads of gloo may abort that, rarely, after all is done.
    """
    if size_of_environment() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _part(store: "Store", size: int) -> None:
    """Wait until all are done, or one has failed.

    A process may have told its last thing while another is yet to read it: a connection closed
    then would look like a failure.
    """
    with suppress(RuntimeError):  # the process that kept the store is gone, so it was done
        store.add(_DONE, 1)
        while store.add(_DONE, 0) < size and not store.add(_FAILED, 0):
            time.sleep(0.05)


def _is_first(store: "Store") -> bool:
    """Say whether no other process has failed before."""
    try:
        return int(store.add(_FAILED, 1)) == 1
    except RuntimeError:  # the process that kept the store is gone
        return False
