"""A log that several processes read, each for itself."""

import json
import zlib
from typing import Any

import torch

from clickthrough.config.root import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.errors import DataError
from clickthrough.training.distributed.group import Group
from clickthrough.training.prepare import history_columns, plan_of


def open_first_here(config: Config, group: Group) -> Dataset:
    """Open a log; of several processes of a machine, the first one fills the cache.

    The others wait for it, and find the log converted and its history computed.

    Raises:
        ClickthroughError: the log or the configuration cannot be used.
    """
    if group.size == 1:
        return open_dataset(config.data)
    if group.first_here:
        dataset = open_dataset(config.data)
        history_columns(dataset, config, plan_of(config, dataset.schema), "live")
    group.wait()
    return open_dataset(config.data)


def check_agreement(group: Group, identity: dict[str, Any]) -> None:
    """See that all processes train the same model on the same rows.

    Args:
        group: the processes.
        identity: what a run depends on; see
            :func:`clickthrough.training.resuming.checkpoint.identity_of`.

    Raises:
        DataError: one has others than the leader.
    """
    for name, value in identity.items():
        digest = torch.tensor(zlib.crc32(json.dumps(value).encode()))
        digests = [int(one) for one in group.gathered(digest)]
        other = next((rank for rank, one in enumerate(digests) if one != digests[0]), None)
        if other is not None:
            raise DataError(
                f"process {other} of {group.size} has other {name} than process 0; do all read "
                "the same log, with the same configuration and versions?"
            )
