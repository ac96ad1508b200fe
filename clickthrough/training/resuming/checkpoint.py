"""Where a training run stands, on disk: enough to go on as if it had never stopped."""

import json
import shutil
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from clickthrough.config.training import Training
from clickthrough.errors import ClickthroughError, DataError
from clickthrough.training.distributed.place import Place
from clickthrough.training.rows.table import Table

Tensors = dict[str, torch.Tensor]
Numbers = dict[str, Any]

_TENSORS, _NUMBERS = "state.safetensors", "state.json"
_FORMAT = 3
_NOTED = ("processes", "threads", "device")
"""What may differ from the run that left a checkpoint: sums are then rounded in another order."""


class _State(msgspec.Struct):
    identity: Numbers
    numbers: Numbers


def unreadable(folder: Path, error: Exception) -> ClickthroughError:
    """Return what is to be said of a checkpoint that is none."""
    return ClickthroughError(f"{folder}: not readable as a checkpoint: {error}; leave out --resume")


class Keeper:
    """Keeps the newest checkpoint of a run.

    Every checkpoint is a directory of its own that is renamed into place when it is whole, and the
    one before goes only then; so whatever happens, there is a whole one.

    Args:
        folder: holds the checkpoints.
        identity: what the run depends on; see :func:`identity_of`.
        every: seconds between two checkpoints.

    Attributes:
        noted: what to know of the checkpoint that was loaded, beside the position.
    """

    def __init__(self, folder: Path, identity: Numbers, every: float) -> None:
        self.folder = folder
        self._identity, self._every = identity, every
        self._last, self._count = time.monotonic(), 0
        self.noted = ""

    def due(self) -> bool:
        """Say whether it is time for another."""
        return time.monotonic() - self._last >= self._every

    def save(self, tensors: Tensors, numbers: Numbers) -> None:
        """Write a checkpoint.

        Raises:
            DataError: the place cannot be written.
        """
        self._count += 1
        beside = self.folder / "writing"
        try:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            save_file({n: t.cpu().contiguous() for n, t in tensors.items()}, beside / _TENSORS)
            state = {"identity": self._identity, "numbers": numbers}
            (beside / _NUMBERS).write_text(json.dumps(state))
            older = self._kept()
            beside.replace(self.folder / f"{self._count:09d}")
        except (OSError, SafetensorError) as error:
            shutil.rmtree(beside, ignore_errors=True)
            with suppress(OSError):  # a checkpoint that stands there stays
                self.folder.rmdir()
            raise DataError(f"{self.folder}: cannot be written: {error}") from None
        for folder in older:
            shutil.rmtree(folder, ignore_errors=True)
        self._last = time.monotonic()

    def load(self) -> tuple[Tensors, Numbers] | None:
        """Return the newest checkpoint, if there is one.

        Raises:
            ClickthroughError: it is of another run, or unreadable.
        """
        kept = self._kept()
        if not kept:
            return None
        newest = kept[-1]
        try:
            # json also reads the infinity that the best value begins with
            state = msgspec.convert(json.loads((newest / _NUMBERS).read_bytes()), _State)
            tensors = load_file(newest / _TENSORS)
        except (OSError, ValueError, SafetensorError) as error:
            raise unreadable(newest, error) from None
        needed = [name for name in self._identity if name not in _NOTED]
        differing = _differing(state.identity, self._identity, needed)
        noted = _differing(state.identity, self._identity, _NOTED)
        self.noted = f"; {noted}: sums are rounded otherwise" if noted else ""
        if differing:
            raise ClickthroughError(f"{newest}: is of another run: {differing}; leave out --resume")
        self._count = int(newest.name)
        return tensors, state.numbers

    def clear(self) -> None:
        """Remove every checkpoint."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _kept(self) -> list[Path]:
        found = self.folder.iterdir() if self.folder.is_dir() else []
        return sorted(path for path in found if path.name.isdecimal() and path.name.isascii())


def identity_of(
    settings: Training, train: Table, model: torch.nn.Module, place: Place | None = None
) -> Numbers:
    """Return what a run depends on: settings, rows, the shapes of the weights, and where it runs.

    Where tables and batches lie makes no other run: a checkpoint holds whole tables.
    """
    place = place or Place()
    arrays = [*train.inputs.arrays().values(), train.labels, train.offsets]
    arrays += [] if train.weights is None else [train.weights]
    return {
        "format": _FORMAT,
        "training": settings.model_dump(mode="json", exclude={"device", "tables", "threads"}),
        "rows": [zlib.crc32(np.ascontiguousarray(array).data) for array in arrays],
        "weights": [[name, list(value.shape)] for name, value in model.state_dict().items()],
        "torch": torch.__version__.partition("+")[0],
        "threads": torch.get_num_threads(),
        "processes": place.group.size,
        "device": place.device.type,
    }


def _differing(found: Numbers, expected: Numbers, names: Iterable[str]) -> str:
    """Name what differs between two runs."""
    return ", ".join(
        f"{name} was {found.get(name)}, is {expected[name]}"
        if name in {*_NOTED, "torch", "format"}
        else f"other {name}"
        for name in names
        if found.get(name) != expected.get(name)
    )
