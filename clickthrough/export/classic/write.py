"""Writing the classic files, if they answer as the bundle does."""

import json
import pickle
from pathlib import Path

import numpy as np
import torch

from clickthrough.bundle.load import Bundle
from clickthrough.errors import BundleError
from clickthrough.export.classic import inference, model_def
from clickthrough.export.classic.files import classic_files
from clickthrough.export.classic.trial import trial_example
from clickthrough.export.example import TOLERANCE, Example

_PROTOCOL = 4
"""Of pickle: what every Python 3 that is in use reads."""
_IN_THE_PACKAGE, _BESIDE = f"from {model_def.__name__} import", "from model_def import"


def write(bundle: Bundle, folder: Path, example: Example | None) -> None:
    """Write a bundle's model as ``.pth`` and ``.pkl`` files, with scripts that read them.

    Raises:
        BundleError: the bundle cannot be said in this layout, or a probability of the example or
            of any other values would differ by more than 1e-6.
    """
    files = classic_files(bundle)
    for rows in [trial_example(bundle), *([] if example is None else [example])]:
        _check_answers(files, rows)
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
    (folder / "model_def.py").write_bytes(Path(model_def.__file__).read_bytes())
    source = Path(inference.__file__).read_text()
    (folder / "inference.py").write_text(source.replace(_IN_THE_PACKAGE, _BESIDE))


def _check_answers(files: inference.Files, example: Example) -> None:
    """Compare what ``inference.py`` will say with what the bundle says."""
    found = inference.probabilities(example.rows, files)
    gap = float(np.max(np.abs(found - example.probabilities)))
    if not gap <= TOLERANCE:
        raise BundleError(f"the classic files differ from the bundle by {gap:.2g} in probability")
