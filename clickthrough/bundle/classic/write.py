"""Writing the classic files: checked against the bundle first, renamed in as one directory."""

import json
import pickle
from pathlib import Path

import numpy as np
import torch

from clickthrough.bundle.beside import written_beside
from clickthrough.bundle.classic import score
from clickthrough.bundle.classic.example import Example
from clickthrough.bundle.classic.files import classic_files
from clickthrough.bundle.export import TOLERANCE
from clickthrough.bundle.load import Bundle
from clickthrough.errors import BundleError

EXAMPLE, SCRIPT = "example.jsonl", "score.py"
_PROTOCOL = 4
"""Of pickle: what every Python 3 that is in use reads."""
_NAMES = {
    "ctr_model.pth",
    "cat_vocab.pkl",
    "cat_num_classes.pkl",
    "numeric_scaler.pkl",
    "final_categorical.pkl",
    "final_numeric.pkl",
    "model.json",
    SCRIPT,
    EXAMPLE,
}


def export_classic(
    bundle: Bundle, target: Path, example: Example | None = None, force: bool = False
) -> None:
    """Write a bundle's model as ``.pth`` and ``.pkl`` files for consumers of that layout.

    Nothing of this package reads them back.

    Args:
        bundle: what is written.
        target: a new or empty directory, outside the bundle.
        example: impressions to write beside, on which the files must agree with the bundle.
        force: replace an earlier export that stands there.

    Raises:
        BundleError: the place cannot be used, the bundle cannot be said in this layout, or a
            probability of the example would differ by more than 1e-5.
    """
    target = target.resolve()
    check_place(bundle, target, force)
    files = classic_files(bundle)
    if example is not None:
        _check_answers(files, example)
    try:
        with written_beside(target) as beside:
            _write(beside, files, example)
    except OSError as error:
        raise BundleError(f"{target}: cannot be written: {error}") from None


def check_place(bundle: Bundle, target: Path, force: bool = False) -> None:
    """Refuse a place that holds anything, or with ``force`` anything but an earlier export.

    Raises:
        BundleError: it does, or it lies in the bundle, which holds its own files alone.
    """
    own, target = bundle.path.resolve(), target.resolve()
    if own in (target, *target.parents):
        raise BundleError(f"{target}: lies in the bundle {own}; name a place outside it")
    if target.exists() and not target.is_dir():
        raise BundleError(f"{target}: is a file; the classic files take a directory")
    found = {path.name for path in target.iterdir()} if target.is_dir() else set()
    others = sorted(found - _NAMES - {"__pycache__"})
    if others:
        raise BundleError(f"{target}: holds {others[0]}, no file of an export; name another place")
    if found and not force:
        raise BundleError(f"{target}: holds an export already; name another place, or --force")


def _check_answers(files: score.Files, example: Example) -> None:
    """Compare what ``score.py`` will say with what the bundle says."""
    found = score.probabilities(example.rows, files)
    gap = float(np.max(np.abs(found - example.probabilities)))
    if not gap <= TOLERANCE:
        raise BundleError(f"the classic files differ from the bundle by {gap:.2g} in probability")


def _write(folder: Path, files: score.Files, example: Example | None) -> None:
    torch.save(files.weights, folder / "ctr_model.pth")
    pickled = {
        "cat_vocab": files.vocabularies,
        "cat_num_classes": files.num_classes,
        "numeric_scaler": files.scaler,
        "final_categorical": files.categorical,
        "final_numeric": files.numeric,
    }
    for name, value in pickled.items():
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(value, _PROTOCOL))
    (folder / "model.json").write_text(json.dumps(files.model, indent=2) + "\n")
    (folder / SCRIPT).write_bytes(Path(score.__file__).read_bytes())
    if example is not None:
        (folder / EXAMPLE).write_text("".join(map(_line, example.rows, example.probabilities)))


def _line(row: score.Row, probability: float) -> str:
    return json.dumps({"features": row, "probability": float(probability)}) + "\n"
