"""Prepared data on disk: written once, mapped by every worker; nothing of it is executed."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle import layout
from clickthrough.bundle.load import load_encoder
from clickthrough.bundle.refusal import mapped, read
from clickthrough.bundle.save import write_encoder, write_json
from clickthrough.config.root import Config
from clickthrough.errors import ClickthroughError
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.schema import Schema
from clickthrough.training.prepare import Prepared, plan_of
from clickthrough.training.rows.table import Table

_ABOUT = "about.json"
_SEEN = "seen"
_RATE = "rate "


def store(prepared: Prepared, config: Config, about: Mapping[str, Any], folder: Path) -> None:
    """Write prepared data, and last what they are of.

    Raises:
        ClickthroughError: the disk is full, or the place cannot be written.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        for name, table in _tables(prepared).items():
            (folder / name).mkdir()
            for array, values in _arrays(table).items():
                path = folder / name / f"{layout.file_stem(array)}.npy"
                np.save(path, values, allow_pickle=False)
        write_encoder(folder, prepared.encoder)
        write_json(folder / layout.SCHEMA, prepared.schema)
        said = config.model_dump_json(indent=2, exclude_unset=True)
        (folder / layout.CONFIG).write_text(said)
        write_json(folder / _ABOUT, dict(about))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ClickthroughError(f"{folder}: cannot be written: {error}") from None


def holds(folder: Path, about: Mapping[str, Any]) -> bool:
    """Say whether a directory holds data that were prepared of something."""
    try:
        return bool(json.loads((folder / _ABOUT).read_bytes()) == about)
    except (OSError, ValueError):
        return False


def load(folder: Path) -> tuple[Prepared, Config]:
    """Return what :func:`store` wrote; its arrays are mapped."""
    config = read(folder / layout.CONFIG, Config.model_validate_json)
    schema = read(folder / layout.SCHEMA, Schema.model_validate_json)
    encoder = load_encoder(folder, plan_of(config, schema), schema)
    names = [name for name in ("train", "validation", _SEEN) if (folder / name).is_dir()]
    tables = {name: _table(folder / name) for name in names}
    seen = tables.pop(_SEEN, None)
    return Prepared(encoder, schema, tables, seen), config


def _tables(prepared: Prepared) -> dict[str, Table]:
    return prepared.tables | ({_SEEN: prepared.seen} if prepared.seen else {})


def _arrays(table: Table) -> dict[str, NDArray[Any]]:
    rest: dict[str, NDArray[Any]] = {"labels": table.labels, "offsets": table.offsets}
    if table.weights is not None:
        rest["weights"] = table.weights
    rates = {f"{_RATE}{name}": rate for name, rate in table.rates.items()}
    return table.inputs.arrays() | rest | rates


def _table(folder: Path) -> Table:
    names = {unquote(path.stem): path for path in folder.glob("*.npy")}
    found: dict[str, NDArray[Any]] = {name: _writable(path) for name, path in names.items()}
    rates = {
        name.removeprefix(_RATE): found.pop(name) for name in list(found) if name.startswith(_RATE)
    }
    labels, offsets = found.pop("labels"), found.pop("offsets")
    weights = found.pop("weights", None)
    return Table(Encoded(**found), labels, np.asarray(offsets), rates, weights)


def _writable(path: Path) -> NDArray[Any]:
    """Map an array; changes to it stay with the process, for torch takes none that is read-only."""
    array = mapped(path)
    if not array.size:
        return np.empty(array.shape, array.dtype)
    return np.lib.format.open_memmap(path, mode="c")
