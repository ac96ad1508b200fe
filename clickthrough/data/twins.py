"""Files that hold all of another once more: links to it, and archives that are called as it is."""

from collections.abc import Sequence
from pathlib import Path

from clickthrough.data.unpack import inner_name, is_compressed


def twins(paths: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Return files that hold another one again, each with that: the plain one, and no link.

    An archive is known by its name alone, be it ``log.csv.gz`` or ``log.zip`` beside ``log.csv``.
    """
    known: dict[Path, Path] = {}
    stems: dict[Path, Path] = {}
    found = []
    for path in sorted(paths, key=_removed):
        names = _names(path)
        ways = (known, stems) if _is_silent(path) else (known,)
        other = next((way[name] for way in ways for name in names if name in way), None)
        if other is not None:
            found.append((path, other))
            continue
        known |= dict.fromkeys(names, path)
        stems |= {name.with_suffix(""): path for name in names}
    return found


def _removed(path: Path) -> tuple[bool, bool, bool]:
    """Tell how far a file is from the one that others are called after."""
    return _is_silent(path), is_compressed(path), path.is_symlink()


def _is_silent(path: Path) -> bool:
    """Tell an archive whose name does not say what is in it."""
    return is_compressed(path) and not Path(inner_name(path)).suffix


def _names(path: Path) -> list[Path]:
    """Return what a file is called without its compression: as it is given, and where it lies."""
    return [own.with_name(inner_name(own)) for own in (path.absolute(), path.resolve())]
