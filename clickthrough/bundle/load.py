"""Loading a bundle: verified first, then read; nothing of it is executed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clickthrough.bundle import layout
from clickthrough.bundle.manifest import Manifest, read_manifest, verify
from clickthrough.bundle.runtime import OnnxModel, load_model
from clickthrough.calibration import Calibrator, read_calibrator
from clickthrough.config.root import Config
from clickthrough.config.serving import Runtime
from clickthrough.errors import BundleError
from clickthrough.features.encoding.encoder import Encoder, Scaler
from clickthrough.features.encoding.vocabulary import Vocabulary
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import Plan, make_plan
from clickthrough.schema import Schema


@dataclass(frozen=True)
class Bundle:
    """Everything that scoring needs.

    Attributes:
        snapshots: counters and sequences as the bundle left them, by name of their set.
        metrics: the evaluation at the time of training.
    """

    path: Path
    manifest: Manifest
    config: Config
    schema: Schema
    plan: Plan
    encoder: Encoder
    model: OnnxModel
    calibrator: Calibrator
    snapshots: dict[str, Snapshot]
    metrics: dict[str, Any]


def load_bundle(path: str | Path, runtime: Runtime | None = None) -> Bundle:
    """Verify and load a bundle.

    Args:
        path: its directory.
        runtime: what computes its graph; by default what its configuration says.

    Raises:
        BundleError: it is missing, incomplete, altered or of another format version.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise BundleError(f"{folder}: no such bundle; 'clickthrough train' makes one")
    manifest = read_manifest(folder)
    verify(folder, manifest)
    try:
        return _load(folder, manifest, runtime)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{folder}: cannot be loaded: {error}") from None


def _load(folder: Path, manifest: Manifest, runtime: Runtime | None) -> Bundle:
    config = Config.model_validate_json((folder / layout.CONFIG).read_bytes())
    schema = Schema.model_validate_json((folder / layout.SCHEMA).read_bytes())
    plan = make_plan(config.features, config.counters, schema, config.data.timezone)
    counters = folder / layout.COUNTERS
    return Bundle(
        path=folder,
        manifest=manifest,
        config=config,
        schema=schema,
        plan=plan,
        encoder=_encoder(folder, plan),
        model=load_model(folder / layout.ONNX, runtime or config.serving.runtime),
        calibrator=read_calibrator((folder / layout.CALIBRATOR).read_bytes()),
        snapshots={
            name: Snapshot.load(counters, layout.file_stem(name)) for name in history_names(plan)
        },
        metrics=json.loads((folder / layout.METRICS).read_bytes()),
    )


def _encoder(folder: Path, plan: Plan) -> Encoder:
    vocabularies = {
        column.name: Vocabulary(
            np.load(vocabulary_path(folder, column.name), "r", allow_pickle=False)
        )
        for column in plan.vocabularies
    }
    scaler = json.loads((folder / layout.SCALER).read_bytes())
    scalers = {name: Scaler(**values) for name, values in scaler["columns"].items()}
    return Encoder(plan, vocabularies, scalers, scaler["prior"])


def history_names(plan: Plan) -> list[str]:
    """Return the names of a plan's key sets and sequence sets."""
    return [key_set.name for key_set in plan.key_sets] + [s.name for s in plan.sequence_sets]


def vocabulary_path(folder: Path, column: str) -> Path:
    """Return where the vocabulary of an id column or bag lies."""
    return folder / layout.VOCABULARIES / f"{layout.file_stem(column)}.npy"
