"""Writing ``model.tar.gz``, which the image finds in ``/opt/ml/model``, and the requests to AWS."""

import gzip
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clickthrough.bundle.load import Bundle
from clickthrough.export.example import Example
from clickthrough.export.sagemaker import requests

_REQUESTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "create-model": requests.create_model,
    "create-endpoint-config": requests.create_endpoint_config,
    "create-endpoint": requests.create_endpoint,
    "create-transform-job": requests.create_transform_job,
}


def write(bundle: Bundle, folder: Path, _: Example | None) -> None:
    """Write the bundle as SageMaker takes it, and what is asked of AWS."""
    _archive(bundle.path, folder / "model.tar.gz")
    for name, request in _REQUESTS.items():
        text = json.dumps(request(bundle.manifest.version), indent=2) + "\n"
        (folder / f"{name}.json").write_text(text)


def _archive(bundle: Path, path: Path) -> None:
    """Write the files of a bundle at the top of an archive; equal bundles make equal ones."""
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for source in sorted(bundle.rglob("*")):
            archive.add(source, source.relative_to(bundle).as_posix(), False, filter=_plain)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out whose a file is and when it was made; whoever serves must be able to read it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    entry.mode = 0o755 if entry.isdir() else 0o644
    return entry
