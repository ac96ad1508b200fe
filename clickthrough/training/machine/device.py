"""Where training runs, and the rows that it is fed there."""

import os

import numpy as np
import torch
from torch import Tensor

from clickthrough.bundle.export import tensors
from clickthrough.errors import ConfigError
from clickthrough.training.distributed.group import Group
from clickthrough.training.rows.table import Table

_SHARE = 0.5
"""Of a device's free memory that rows may take; the rest is for weights and activations."""


def device_of(setting: str, group: Group) -> torch.device:
    """Return the device that ``training.device`` means to this process.

    Args:
        setting: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; ``auto`` is a GPU where there is one.
        group: the processes; each takes a GPU of its own.

    Raises:
        ConfigError: there is no such device.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if setting == "cpu" or (setting == "auto" and not count):
        return torch.device("cpu")
    number = _number(setting, group)
    if number >= count:
        raise ConfigError(
            f"training.device: found {setting}, of which process {group.rank} of {group.size} "
            f"would take number {number}, but torch sees {count} CUDA devices; expected cpu, auto "
            "or fewer processes"
        )
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def _number(setting: str, group: Group) -> int:
    named = setting.partition(":")[2]
    if named and group.size > 1:
        raise ConfigError(
            f"training.device: found {setting}, one device for {group.size} processes; "
            "expected cuda"
        )
    return int(named or os.environ.get("LOCAL_RANK", "0"))


class Rows:
    """The rows of a table, to be taken a batch at a time; on the device, where they fit.

    Args:
        table: encoded impressions.
        device: where batches are wanted.
    """

    def __init__(self, table: Table, device: torch.device) -> None:
        self._inputs = tensors(table.inputs)
        self._labels = torch.from_numpy(table.labels.astype(np.float32))
        self._weights = None if table.weights is None else torch.from_numpy(table.weights)
        self._device = device
        if device.type == "cuda" and self._size() < _SHARE * torch.cuda.mem_get_info(device)[0]:
            self._inputs = tuple(values.to(device) for values in self._inputs)
            self._labels = self._labels.to(device)
            self._weights = None if self._weights is None else self._weights.to(device)

    def inputs(self, places: Tensor) -> tuple[Tensor, ...]:
        """Return the arguments of a model for some rows."""
        return tuple(self._taken(values, places) for values in self._inputs)

    def labels(self, places: Tensor) -> Tensor:
        """Return 0 or 1 of some rows, float."""
        return self._taken(self._labels, places)

    def weights(self, places: Tensor) -> Tensor | None:
        """Return the weights of some rows; nothing where all weigh alike."""
        return None if self._weights is None else self._taken(self._weights, places)

    def _taken(self, values: Tensor, places: Tensor) -> Tensor:
        if values.device != places.device:
            places = sent(places, values.device)
        return sent(values[places], self._device)

    def _size(self) -> int:
        """Return the bytes of all rows."""
        every = (*self._inputs, self._labels, self._weights)
        return sum(values.nbytes for values in every if values is not None)


def sent(values: Tensor, device: torch.device) -> Tensor:
    """Return values on a device, without waiting for it."""
    if values.device == device or device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)
