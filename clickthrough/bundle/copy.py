"""A copy of a bundle that is the bundle which was loaded, whatever becomes of its place."""

import shutil
from pathlib import Path

from clickthrough.beside import written_beside
from clickthrough.bundle.layout import MANIFEST
from clickthrough.bundle.load import Bundle
from clickthrough.bundle.manifest import read_manifest, verify
from clickthrough.bundle.save import refuse_to_replace
from clickthrough.errors import BundleError


def copy_files(bundle: Bundle, folder: Path) -> None:
    """Copy the files that a bundle's manifest lists, links followed, and the manifest.

    Args:
        bundle: a later one may stand at its place by now.
        folder: a new directory.

    Raises:
        BundleError: its files are not those that were loaded.
        OSError: the copy cannot be written.
    """
    try:
        for name in (*bundle.manifest.files, MANIFEST):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.path / name, folder / name)
        verify(folder, bundle.manifest)
        whole = read_manifest(folder) == bundle.manifest
    except (FileNotFoundError, NotADirectoryError, BundleError):
        whole = False
    if not whole:
        raise BundleError(f"{bundle.path}: was replaced or altered after it was loaded")


def copy_bundle(bundle: Bundle, target: Path) -> Path:
    """Copy a bundle to a place; a bundle that stands there is replaced.

    Returns:
        The place.

    Raises:
        BundleError: the place holds something else or cannot be written, or the bundle's files are
            not those that were loaded.
    """
    target = target if target.name else target.resolve()
    refuse_to_replace(target)
    inside = target.resolve().is_relative_to(bundle.path.resolve())
    if inside and target.resolve() != bundle.path.resolve():
        raise BundleError(f"{target}: lies within the bundle; name another place")
    try:
        with written_beside(target) as beside:
            copy_files(bundle, beside)
    except OSError as error:
        raise BundleError(f"{target}: cannot be written: {error}") from None
    return target
