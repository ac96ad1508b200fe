"""A copy of a bundle that is the bundle which was loaded, whatever becomes of its place."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from clickthrough.bundle.layout import MANIFEST
from clickthrough.bundle.load import Bundle
from clickthrough.bundle.manifest import read_manifest, verify
from clickthrough.errors import BundleError


@contextmanager
def copied(bundle: Bundle, folder: Path) -> Iterator[Bundle]:
    """Copy the files of a bundle, links followed, and yield it as it lies there.

    What is wrong with the copy is said of the bundle, for nobody knows the copy.

    Args:
        bundle: a later one may stand at its place by now.
        folder: a new directory.

    Raises:
        BundleError: its files are not those that were loaded.
        OSError: the copy cannot be written.
    """
    if not _copy(bundle, folder):
        raise BundleError(
            f"{bundle.path}: was replaced or altered after it was loaded; export it again"
        )
    try:
        yield replace(bundle, path=folder)
    except BundleError as error:
        raise BundleError(str(error).replace(str(folder), str(bundle.path))) from None


def _copy(bundle: Bundle, folder: Path) -> bool:
    """Copy the files that the manifest lists; say whether they are those that it lists."""
    try:
        for name in (*bundle.manifest.files, MANIFEST):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.path / name, folder / name)
        verify(folder, bundle.manifest)
        return read_manifest(folder) == bundle.manifest
    except (FileNotFoundError, NotADirectoryError, BundleError):
        return False
