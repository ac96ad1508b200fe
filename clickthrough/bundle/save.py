"""Writing a bundle: beside its place first, then renamed in, so that nobody reads half of one."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from clickthrough._version import __version__
from clickthrough.beside import written_beside
from clickthrough.bundle import layout
from clickthrough.bundle.listed import class_counts
from clickthrough.bundle.load import vocabulary_path
from clickthrough.bundle.manifest import Manifest, digest_of, hash_files, is_bundle
from clickthrough.bundle.version import version_of
from clickthrough.calibration import Calibrator
from clickthrough.config.root import Config
from clickthrough.errors import BundleError
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.history.digests import counters_digest, sequence_digest
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import Plan
from clickthrough.features.sides import SideTable
from clickthrough.schema import Schema


@dataclass(frozen=True)
class Parts:
    """What a bundle is made of.

    Attributes:
        model: a directory of the model's files, named as in a bundle: its graph, and weights.
        counters_until: the snapshot holds the events before this moment (microseconds).
        sides: the side tables that it holds.
    """

    config: Config
    schema: Schema
    encoder: Encoder
    model: Path
    calibrator: Calibrator
    snapshots: dict[str, Snapshot]
    counters_until: int
    metrics: dict[str, Any]
    sides: Sequence[SideTable] = ()

    def with_metrics(self, metrics: dict[str, Any]) -> "Parts":
        """Return the same with an evaluation."""
        return replace(self, metrics=metrics)


def save_bundle(target: Path, parts: Parts) -> Manifest:
    """Write a bundle, replacing the bundle that may stand there.

    Raises:
        BundleError: the place holds something that is no bundle, or it cannot be written.
    """
    refuse_to_replace(target)
    try:
        with written_beside(target) as beside:
            manifest = _write(beside, parts)
    except OSError as error:
        raise BundleError(f"{target}: cannot be written: {error}") from None
    return manifest


def counters_name(plan: Plan, schema: Schema) -> str:
    """Name a declaration of history; equal ones share all their states in a store."""
    sets = [counters_digest(k, schema, plan.counters) for k in plan.key_sets]
    sets += [sequence_digest(s, schema, plan.counters) for s in plan.sequence_sets]
    return digest_of(json.dumps(sorted(digest.hex() for digest in sets)))


def refuse_to_replace(target: Path) -> None:
    """Refuse a place that holds something other than a bundle.

    Raises:
        BundleError: it does.
    """
    if target.exists() and not target.is_dir():
        raise BundleError(f"{target}: is a file; a bundle is a directory")
    if target.is_dir() and any(target.iterdir()) and not is_bundle(target):
        raise BundleError(f"{target}: holds files that are no bundle; name another place")


def _write(folder: Path, parts: Parts) -> Manifest:
    for file in parts.model.iterdir():
        shutil.copyfile(file, folder / file.name)  # modes are those of any new file
    write_encoder(folder, parts.encoder)
    write_json(folder / layout.CONFIG, kept_settings(parts.config))
    write_json(folder / layout.SCHEMA, parts.schema)
    write_json(folder / layout.CALIBRATOR, parts.calibrator)
    write_json(folder / layout.METRICS, parts.metrics)
    (folder / layout.COUNTERS).mkdir()
    for name, snapshot in parts.snapshots.items():
        snapshot.save(folder / layout.COUNTERS, layout.file_stem(name))
    if parts.sides:
        write_sides(folder, parts.sides)
    counters = counters_name(parts.encoder.plan, parts.schema)
    until = datetime.fromtimestamp(parts.counters_until / 1e6, UTC).isoformat()
    return seal(folder, parts.config, counters, until)


def seal(folder: Path, config: Config, counters: str, counters_until: str) -> Manifest:
    """Write the manifest of a directory that holds all else of a bundle.

    Args:
        folder: the directory.
        config: its configuration.
        counters: see :func:`counters_name`.
        counters_until: the snapshot holds the events before this moment (ISO 8601 in UTC).
    """
    files = hash_files(folder)
    manifest = Manifest(
        format=layout.FORMAT,
        version=version_of(files, config),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        clickthrough=__version__,
        counters=counters,
        counters_until=counters_until,
        files=files,
    )
    write_json(folder / layout.MANIFEST, manifest)
    return manifest


def kept_settings(config: Config) -> dict[str, Any]:
    """Return what a bundle keeps of a configuration: of serving only what was said of it.

    What nobody has set is left to the version that serves; how settings were searched is no part.
    """
    said = config.serving.model_dump(mode="json", exclude_unset=True)
    return config.model_dump(mode="json", exclude={"tune"}) | {"serving": said}


def write_encoder(folder: Path, encoder: Encoder) -> None:
    """Write what :func:`clickthrough.bundle.load.load_encoder` reads."""
    (folder / layout.VOCABULARIES).mkdir()
    for name, vocabulary in encoder.vocabularies.items():
        np.save(vocabulary_path(folder, name), vocabulary.values, allow_pickle=False)
    if encoder.kin is not None:
        np.save(folder / layout.KIN_USERS, encoder.kin.users.values, allow_pickle=False)
        np.save(folder / layout.KIN_VECTORS, encoder.kin.vectors, allow_pickle=False)
    counts = class_counts(encoder)
    write_json(folder / layout.CLASS_COUNTS, counts)
    write_json(folder / layout.CATEGORICAL, list(counts))
    write_json(folder / layout.NUMERIC, encoder.numeric_names)
    columns = {name: asdict(scaler) for name, scaler in encoder.scalers.items()}
    write_json(folder / layout.SCALER, {"prior": encoder.prior, "columns": columns})


def write_sides(folder: Path, sides: Sequence[SideTable]) -> None:
    """Write what :func:`clickthrough.bundle.load.load_sides` reads."""
    (folder / layout.LOOKUP).mkdir()
    write_json(folder / layout.TABLES, [side.form.model_dump(mode="json") for side in sides])
    for side in sides:
        side.rows.save(folder / layout.LOOKUP, layout.file_stem(side.form.name))


def write_json(path: Path, value: object) -> None:
    """Write a file of a bundle, indented for readers."""
    if isinstance(value, BaseModel):
        path.write_text(value.model_dump_json(indent=2) + "\n")
    else:
        path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n")
