"""A copy of a bundle to export from, whatever becomes of the bundle's place."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from clickthrough.bundle.copy import copy_files
from clickthrough.bundle.load import Bundle
from clickthrough.errors import BundleError


@contextmanager
def copied(bundle: Bundle, folder: Path) -> Iterator[Bundle]:
    """Copy the files of a bundle, and yield it as it lies there.

    What is wrong with the copy is said of the bundle, for nobody knows the copy.

    Args:
        bundle: see :func:`clickthrough.bundle.copy.copy_files`.
        folder: a new directory.

    Raises:
        BundleError: its files are not those that were loaded.
        OSError: the copy cannot be written.
    """
    try:
        copy_files(bundle, folder)
        yield replace(bundle, path=folder)
    except BundleError as error:
        raise BundleError(str(error).replace(str(folder), str(bundle.path))) from None
