"""Writing the model repository."""

import shutil
import struct
from pathlib import Path

from clickthrough.bundle.load import Bundle
from clickthrough.export.example import Example
from clickthrough.export.onnx.write import described, write_graph
from clickthrough.export.triton.config import ENCODED, WARM, encoded_config, raw_config
from clickthrough.export.triton.pbtxt import pbtxt
from clickthrough.serving.open_inference import MODEL

_VERSION = "1"
"""Of a model in the repository; an export is a repository of its own."""
_HERE = Path(__file__).parent


def write(bundle: Bundle, folder: Path, _: Example | None) -> None:
    """Write two models: one takes raw fields, the other what :meth:`Predictor.encode` makes.

    Raises:
        BundleError: the graph cannot be written; see :func:`clickthrough.export.onnx.write.write`.
    """
    models = folder / "models"
    serving = bundle.config.serving
    raw, encoded = models / MODEL, models / ENCODED
    (raw / _VERSION).mkdir(parents=True)
    shutil.copytree(bundle.path, raw / _VERSION / "bundle")
    shutil.copyfile(_HERE / "model.py", raw / _VERSION / "model.py")
    (raw / "warmup").mkdir()
    (raw / "warmup" / WARM).write_bytes(_as_element(b"{}"))
    (raw / "config.pbtxt").write_text(pbtxt(raw_config(serving)))
    (encoded / _VERSION).mkdir(parents=True)
    write_graph(bundle, encoded / _VERSION)
    about = described(bundle, encoded / _VERSION)
    (encoded / "config.pbtxt").write_text(pbtxt(encoded_config(serving, about)))
    shutil.copyfile(_HERE / "Dockerfile", folder / "Dockerfile")


def _as_element(text: bytes) -> bytes:
    """Return a text as Triton has it in a tensor: its length, then itself."""
    return struct.pack("<I", len(text)) + text
