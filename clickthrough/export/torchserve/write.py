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
max_request_size=%d
"""


def write(bundle: Bundle, folder: Path, _: Example | None) -> None:
    """Write ``model-store/ctr.mar`` and the settings of a server that loads it."""
    (folder / "model-store").mkdir()
    _archive(bundle, folder / "model-store" / f"{MODEL}.mar")
    most = bundle.config.serving.max_body_bytes
    (folder / "config.properties").write_text(_PROPERTIES % most)


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
            name = (Path("bundle") / file.relative_to(bundle.path)).as_posix()
            with file.open("rb") as source, archive.open(_entry(name), "w") as entry:
                while part := source.read(1 << 20):
                    entry.write(part)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # of 1980: times would make equal archives differ
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
