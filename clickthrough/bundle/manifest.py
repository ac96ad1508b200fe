"""What a bundle says of itself, and whether its files are those that were written."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import BaseModel, StrictInt, ValidationError

from clickthrough.bundle.layout import FORMAT, MANIFEST
from clickthrough.errors import BundleError


class Manifest(BaseModel):
    """The contents of ``manifest.json``.

    Attributes:
        format: version of the layout.
        version: name of what scores; see :mod:`clickthrough.bundle.version`.
        created: when, ISO 8601 in UTC.
        clickthrough: version of the package that wrote it.
        counters: digest of the declaration of its counters, and of the types of the fields that
            they are kept by; bundles of one digest share all their states in a store.
        counters_until: events before this moment are in the snapshot (ISO 8601 in UTC).
        files: path -> sha256 of every other file.
    """

    format: StrictInt
    version: str
    created: str
    clickthrough: str
    counters: str
    counters_until: str
    files: dict[str, str]


def hash_files(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file but the manifest, by path below the folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    paths = sorted(path for path in files if path != folder / MANIFEST)
    with ThreadPoolExecutor() as threads:  # hashing lets other threads run
        names = [path.relative_to(folder).as_posix() for path in paths]
        return dict(zip(names, threads.map(_sha256, paths), strict=True))


def is_bundle(folder: Path) -> bool:
    """Say whether a directory holds a bundle, of whatever format."""
    try:
        Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return False
    return True


def digest_of(text: str) -> str:
    """Return the first 12 hexadecimal digits of a text's sha256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_manifest(folder: Path) -> Manifest:
    """Read a manifest.

    Raises:
        BundleError: there is none, or it is of another format.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise BundleError(f"{folder}: no such bundle; 'clickthrough train' makes one")
    if not path.is_file():
        raise BundleError(
            f"{folder}: not a bundle: it holds no {MANIFEST}; 'clickthrough train' makes one"
        )
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BundleError(f"{path}: not a manifest: {error.errors()[0]['msg']}") from None
    if manifest.format != FORMAT:
        raise BundleError(
            f"{path}: format {manifest.format}; this version reads {FORMAT}: "
            "train anew with 'clickthrough train'"
        )
    return manifest


def verify(folder: Path, manifest: Manifest) -> None:
    """Compare the files with the manifest.

    Raises:
        BundleError: a file is missing, altered or not listed.
    """
    found = hash_files(folder)
    for name, sha256 in manifest.files.items():
        if name not in found:
            raise BundleError(f"{folder}: file {name} is missing")
        if found[name] != sha256:
            raise BundleError(
                f"{folder}: file {name} was altered: sha256 {found[name][:12]}..., "
                f"the manifest says {sha256[:12]}..."
            )
    extra = sorted(set(found) - set(manifest.files))
    if extra:
        raise BundleError(f"{folder}: the manifest does not list {', '.join(extra)}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
