"""Writing an archive as ``torch-model-archiver`` lays it out: handler, bundle, manifest."""

import json
import zipfile
from datetime import datetime
from pathlib import Path

from clickthrough.bundle.load import Bundle
from clickthrough.export.example import Example
from clickthrough.serving.open_inference import MODEL

_HANDLER = "handler.py"
_HERE = Path(__file__).parent
_LAYOUT = "0.12.0"
"""The archiver whose layout this is: the last that there will be."""
_PROPERTIES = f"""\
inference_address=http://127.0.0.1:8080
management_address=http://127.0.0.1:8081
metrics_address=http://127.0.0.1:8082
model_store=model-store
load_models={MODEL}.mar
default_workers_per_model=1
decode_input_request=false
max_request_size=%d
max_response_size=%d
"""
_A_ROW, _A_NAME, _BESIDE = 300, 12, 65_536
"""Bytes of an answer, indented as TorchServe does: of a row without its ids and names of fields,
beside each of these, beside all rows."""
_LONGEST_LETTER = len("\\u0000")
"""Bytes that one of an id can take in JSON."""
_LARGEST = (1 << 31) - 1
"""TorchServe counts bytes in 32 bits."""


def write(bundle: Bundle, folder: Path, _: Example | None) -> None:
    """Write ``model-store/ctr.mar`` and the settings of a server that loads it."""
    (folder / "model-store").mkdir()
    _archive(bundle, folder / "model-store" / f"{MODEL}.mar")
    most = min(bundle.config.serving.max_body_bytes, _LARGEST)
    (folder / "config.properties").write_text(_PROPERTIES % (most, largest_answer(bundle)))


def largest_answer(bundle: Bundle) -> int:
    """Return how many bytes the answer to as many impressions as are taken can have."""
    serving = bundle.config.serving
    every = {"request_id", "time", *bundle.plan.fields}
    names = [json.dumps(bundle.schema.input_name(name)) for name in every]
    ids = 2 * _LONGEST_LETTER * serving.max_id_bytes
    row = _A_ROW + ids + sum(len(name) + _A_NAME for name in names)
    return min(_BESIDE + serving.max_impressions * row, _LARGEST)


def _archive(bundle: Bundle, path: Path) -> None:
    """Write the archive; equal bundles make equal ones."""
    made = datetime.fromisoformat(bundle.manifest.created)
    manifest = {
        "createdOn": made.strftime("%d/%m/%Y %H:%M:%S"),
        "runtime": "python",
        "model": {
            "modelName": MODEL,
            "handler": _HANDLER,
            "modelVersion": bundle.manifest.version,
        },
        "archiverVersion": _LAYOUT,
    }
    contents = {
        "MAR-INF/MANIFEST.json": json.dumps(manifest, indent=2).encode(),
        _HANDLER: (_HERE / _HANDLER).read_bytes(),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(_entry(name), content, zipfile.ZIP_DEFLATED)
        for file in sorted(file for file in bundle.path.rglob("*") if file.is_file()):
            held = _entry((Path("bundle") / file.relative_to(bundle.path)).as_posix())
            held.file_size = file.stat().st_size  # said before: large ones are written otherwise
            with file.open("rb") as source, archive.open(held, "w") as entry:
                while part := source.read(1 << 20):
                    entry.write(part)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # of 1980: times would make equal archives differ
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
