"""Bundles made of a trained one, and how they are put in its place."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from clickthrough.beside import written_beside
from clickthrough.bundle import layout
from clickthrough.bundle.listed import class_counts
from clickthrough.bundle.load import load_encoder
from clickthrough.bundle.manifest import hash_files
from clickthrough.bundle.version import version_of
from clickthrough.config import Config
from clickthrough.features.history.snapshot import Snapshot
from clickthrough.features.plan import make_plan
from clickthrough.schema import Schema

Change = Callable[[Path], None]


def another(source: Path, target: Path, change: Change) -> Path:
    """Write a copy of a bundle in which something is different, and whose manifest says so."""
    shutil.copytree(source, target)
    change(target)
    config = Config.model_validate_json((target / layout.CONFIG).read_bytes())
    version = version_of(seal(target), config)
    edit_json(target / layout.MANIFEST, {"version": version})
    return target


def seal(folder: Path) -> dict[str, str]:
    """Let the manifest list the files as they are; return their digests."""
    files = hash_files(folder)
    edit_json(folder / layout.MANIFEST, {"files": files})
    return files


def calibrated(intercept: float) -> Change:
    """Return a change of all scores."""
    platt = {"method": "platt", "slope": 0.9, "intercept": intercept}
    return lambda folder: edit_json(folder / layout.CALIBRATOR, platt, anew=True)


def forgetful(folder: Path) -> None:
    """Let a bundle know nothing of any user, and score differently."""
    calibrated(0.1)(folder)
    Snapshot.of({}).save(folder / layout.COUNTERS, layout.file_stem("user"))


def for_openvino(folder: Path) -> None:
    """Let a bundle ask for the runtime that not every machine has."""
    serving = json.loads((folder / layout.CONFIG).read_bytes())["serving"]
    edit_json(folder / layout.CONFIG, {"serving": serving | {"runtime": "openvino"}})


def reordered(folder: Path) -> None:
    """Let a bundle declare its features in the opposite order, and list its columns so."""
    declared = json.loads((folder / layout.CONFIG).read_bytes())["features"]
    edit_json(folder / layout.CONFIG, {"features": declared[::-1]})
    config = Config.model_validate_json((folder / layout.CONFIG).read_bytes())
    schema = Schema.model_validate_json((folder / layout.SCHEMA).read_bytes())
    plan = make_plan(config.features, config.counters, schema, config.data.timezone)
    encoder = load_encoder(folder, plan, schema)
    (folder / layout.CATEGORICAL).write_text(json.dumps(list(class_counts(encoder))))
    (folder / layout.NUMERIC).write_text(json.dumps(encoder.numeric_names))


def edit_json(path: Path, values: dict[str, object], *, anew: bool = False) -> None:
    """Set keys of a JSON file."""
    before = {} if anew else json.loads(path.read_bytes())
    path.write_text(json.dumps(before | values))


def put(source: Path, place: Path) -> None:
    """Rename a copy of a bundle into a place, as training does."""
    with written_beside(place) as beside:
        shutil.copytree(source, beside, dirs_exist_ok=True)
