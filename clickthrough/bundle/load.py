"""Loading a bundle: verified first, then read; nothing of it is executed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from clickthrough.bundle import layout
from clickthrough.bundle.checks import (
    check_calibrator,
    check_scalers,
    check_snapshot,
    check_vectors,
    check_vocabulary,
)
from clickthrough.bundle.graph import check_graph
from clickthrough.bundle.listed import Fitted, check_listed
from clickthrough.bundle.manifest import Manifest, read_manifest, verify
from clickthrough.bundle.refusal import mapped, read, refusing
from clickthrough.bundle.runtime import Graph, load_model
from clickthrough.calibration import Calibrator, read_calibrator
from clickthrough.config.root import Config
from clickthrough.config.serving import Runtime
from clickthrough.errors import BundleError
from clickthrough.features.columns import KIN
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.encoding.kin import Kin
from clickthrough.features.encoding.vocabulary import Vocabulary
from clickthrough.features.history.counters import state_layout
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import Plan, make_plan
from clickthrough.features.sides import SideForm, SideTable, misfit
from clickthrough.schema import Schema

_METRICS: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_FORMS: TypeAdapter[list[SideForm]] = TypeAdapter(list[SideForm])


@dataclass(frozen=True)
class Bundle:
    """Everything that scoring needs.

    Attributes:
        snapshots: counters and sequences as the bundle left them, by name of their set.
        metrics: the evaluation at the time of training.
        sides: side tables, which say what callers do not.
    """

    path: Path
    manifest: Manifest
    config: Config
    schema: Schema
    plan: Plan
    encoder: Encoder
    model: Graph
    calibrator: Calibrator
    snapshots: dict[str, Snapshot]
    metrics: dict[str, Any]
    sides: Sequence[SideTable] = ()


def load_bundle(path: str | Path, runtime: Runtime | None = None) -> Bundle:
    """Verify and load a bundle.

    Args:
        path: its directory.
        runtime: what computes its graph; by default what its configuration says.

    Raises:
        BundleError: it is missing, incomplete, altered or of another format version, or what it
            holds makes no sense; no other exception escapes, whatever that is.
    """
    folder = Path(path)
    with refusing(folder):
        manifest = read_manifest(folder)
        verify(folder, manifest)
        return _load(folder, manifest, runtime)


def _load(folder: Path, manifest: Manifest, runtime: Runtime | None) -> Bundle:
    with refusing(folder / layout.MANIFEST):
        datetime.fromisoformat(manifest.counters_until)
    config = read(folder / layout.CONFIG, Config.model_validate_json)
    schema = read(folder / layout.SCHEMA, Schema.model_validate_json)
    with refusing(folder / layout.CONFIG):
        plan = make_plan(config.declared, config.counters, schema, config.data.timezone)
    encoder = load_encoder(folder, plan, schema)
    check_listed(folder, encoder)
    calibrator = read(folder / layout.CALIBRATOR, read_calibrator)
    check_calibrator(folder / layout.CALIBRATOR, calibrator, encoder)
    with refusing(folder / layout.ONNX):
        model = load_model(folder / layout.ONNX, runtime or config.serving.runtime)
    check_graph(folder / layout.ONNX, model, encoder)
    return Bundle(
        path=folder,
        manifest=manifest,
        config=config,
        schema=schema,
        plan=plan,
        encoder=encoder,
        model=model,
        calibrator=calibrator,
        snapshots=_snapshots(folder, plan),
        metrics=read(folder / layout.METRICS, _METRICS.validate_json),
        sides=load_sides(folder, schema),
    )


def load_encoder(folder: Path, plan: Plan, schema: Schema) -> Encoder:
    """Load the encoder of a bundle; its vocabularies are mapped, not read."""
    vocabularies: dict[str, Vocabulary] = {}
    for table, column in plan.vocabularies.items():
        path = vocabulary_path(folder, table)
        values = mapped(path)
        check_vocabulary(path, values, schema.fields[column.field])
        vocabularies[table] = Vocabulary(values)
    path = folder / layout.SCALER
    fitted = read(path, Fitted.model_validate_json)
    check_scalers(path, fitted.columns, fitted.prior, plan)
    kin = _kin(folder, schema) if plan.asks_for_kin else None
    with refusing(path):
        return Encoder(plan, vocabularies, fitted.columns, fitted.prior, kin)


def _kin(folder: Path, schema: Schema) -> Kin:
    """Map what makes users alike."""
    users, vectors = mapped(folder / layout.KIN_USERS), mapped(folder / layout.KIN_VECTORS)
    check_vocabulary(folder / layout.KIN_USERS, users, schema.fields[KIN])
    check_vectors(folder / layout.KIN_VECTORS, vectors, len(users))
    return Kin(Vocabulary(users), vectors)  # type: ignore[arg-type]  # checked before


def _snapshots(folder: Path, plan: Plan) -> dict[str, Snapshot]:
    """Map what is known of keys, by the names of their sets."""
    counters = folder / layout.COUNTERS
    with refusing(folder / layout.CONFIG):
        layouts = {k.name: state_layout(k, plan.counters) for k in plan.key_sets}
    made: dict[str, Snapshot] = {}
    for name in history_names(plan):
        stem = layout.file_stem(name)
        keys, ends, values = map(mapped, Snapshot.files(counters, stem))
        made[name] = Snapshot(keys, ends, values)  # type: ignore[arg-type]  # checked next
        check_snapshot(counters, stem, made[name], layouts.get(name))
    return made


def load_sides(folder: Path, schema: Schema) -> list[SideTable]:
    """Map the side tables of a bundle; there are none where nothing says what they are."""
    path = folder / layout.TABLES
    if not path.is_file():
        return []
    made: list[SideTable] = []
    for form in read(path, _FORMS.validate_json):
        stem = layout.file_stem(form.name)
        keys, ends, values = map(mapped, Snapshot.files(folder / layout.LOOKUP, stem))
        rows = Snapshot(keys, ends, values)  # type: ignore[arg-type]  # checked next
        check_snapshot(folder / layout.LOOKUP, stem, rows, None)
        if why := misfit(form, schema):
            raise BundleError(f"{path}: is not of this log: {why}")
        made.append(SideTable(form, rows))
    names = [side.form.name for side in made]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BundleError(f"{path}: '{twice.pop()}' comes twice")
    return made


def history_names(plan: Plan) -> list[str]:
    """Return the names of a plan's key sets and sequence sets."""
    return [key_set.name for key_set in plan.key_sets] + [s.name for s in plan.sequence_sets]


def vocabulary_path(folder: Path, field: str) -> Path:
    """Return where the vocabulary of a field lies."""
    return folder / layout.VOCABULARIES / f"{layout.file_stem(field)}.npy"
