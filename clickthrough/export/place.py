"""Where an export may be written: nowhere that something else stands."""

from pathlib import Path

from clickthrough.bundle.load import Bundle
from clickthrough.errors import BundleError
from clickthrough.export.homes import Home


def check_place(bundle: Bundle, home: Home, target: Path, force: bool = False) -> None:
    """Refuse a place that holds anything, or with ``force`` anything but an export of that home.

    Raises:
        BundleError: it does, or it lies in the bundle, which holds its own files alone.
    """
    own, target = bundle.path.resolve(), target.resolve()
    if own in (target, *target.parents):
        raise BundleError(f"{target}: lies in the bundle {own}; name a place outside it")
    if target.exists() and not target.is_dir():
        raise BundleError(f"{target}: is a file; an export is a directory")
    found = {path.name for path in target.iterdir()} if target.is_dir() else set()
    others = sorted(found - home.files - {"__pycache__"})
    if others:
        raise BundleError(
            f"{target}: holds {others[0]}, no file of an export to {home.name}; name another place"
        )
    if found and not force:
        raise BundleError(f"{target}: holds an export already; name another place, or --force")
