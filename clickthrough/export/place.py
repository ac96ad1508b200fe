"""Where an export may be written: nowhere that something else stands."""

from pathlib import Path

from clickthrough.bundle.load import Bundle
from clickthrough.errors import BundleError
from clickthrough.export.homes import Home
from clickthrough.export.marker import MARKER, files_below, read_marker


def check_place(bundle: Bundle, home: Home, target: Path, force: bool = False) -> Path:
    """Return where an export is written, links followed.

    Args:
        bundle: what is written.
        home: what for.
        target: a directory that is new or empty.
        force: also take one that holds an export to that home, and nothing beside what was written.

    Raises:
        BundleError: it holds anything else, a part of the bundle among it; it lies in the bundle,
            which holds its own files alone; or no directory can stand or be replaced there.
    """
    try:
        place = target.resolve()
        _check_apart(bundle, place)
        _check_kind(place)
        _check_contents(home, place, force)
    except (OSError, RuntimeError) as error:  # too long a name, links that lead in a circle
        raise BundleError(f"{target}: cannot be written: {error}") from None
    return place


def _check_apart(bundle: Bundle, place: Path) -> None:
    """Refuse a place within the bundle, and one that holds any file of it."""
    own = bundle.path.resolve()
    if own in (place, *place.parents):
        raise BundleError(f"{place}: lies in the bundle {own}; name a place outside it")
    if any(place in path.resolve().parents for path in (own, *own.rglob("*"))):
        raise BundleError(f"{place}: the bundle {own} lies in it; name a place outside it")


def _check_kind(place: Path) -> None:
    if place.exists() and not place.is_dir():
        raise BundleError(f"{place}: is a file; an export is a directory")
    if place.is_mount():
        raise BundleError(f"{place}: is a mount point, which nothing can replace; name a "
                          "directory below it")  # fmt: skip


def _check_contents(home: Home, place: Path, force: bool) -> None:
    """Refuse to lose what is no export to that home, or was put into one."""
    top = sorted(path.name for path in place.iterdir()) if place.is_dir() else []
    if not top:
        return
    said = read_marker(place)
    if said is None:  # all below it is not looked through: it may be much
        raise BundleError(
            f"{place}: holds {top[0]}, and no {MARKER} of an export; name a new or empty directory"
        )
    if said.home != home.name:
        raise BundleError(f"{place}: holds an export to {said.home}; name another place")
    others = sorted({*files_below(place)} - {*said.files, MARKER})
    if others:
        raise BundleError(
            f"{place}: holds {others[0]}, no file of the export to {home.name}; name another place"
        )
    if not force:
        raise BundleError(f"{place}: holds an export already; name another place, or --force")
