"""Bundles made of a trained one, and how they are put in its place."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from clickthrough.bundle import layout
from clickthrough.bundle.beside import written_beside
from clickthrough.bundle.manifest import digest_of, hash_files
from clickthrough.features.history.snapshot import Snapshot

Change = Callable[[Path], None]


def another(source: Path, target: Path, change: Change) -> Path:
    """Write a copy of a bundle in which something is different, and whose manifest says so."""
    shutil.copytree(source, target)
    change(target)
    files = hash_files(target)
    edit_json(target / layout.MANIFEST, {"files": files, "version": digest_of(json.dumps(files))})
    return target


def calibrated(intercept: float) -> Change:
    """Return a change of all scores."""
    platt = {"method": "platt", "slope": 0.9, "intercept": intercept}
    return lambda folder: edit_json(folder / layout.CALIBRATOR, platt, anew=True)


def forgetful(folder: Path) -> None:
    """Let a bundle know nothing of any user, and score differently."""
    calibrated(0.1)(folder)
    Snapshot.of({}).save(folder / layout.COUNTERS, layout.file_stem("user"))


def edit_json(path: Path, values: dict[str, object], *, anew: bool = False) -> None:
    """Set keys of a JSON file."""
    before = {} if anew else json.loads(path.read_bytes())
    path.write_text(json.dumps(before | values))


def put(source: Path, place: Path) -> None:
    """Rename a copy of a bundle into a place, as training does."""
    with written_beside(place) as beside:
        shutil.copytree(source, beside, dirs_exist_ok=True)
