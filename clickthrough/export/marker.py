"""What an export says of itself, so that a later one knows what it may replace."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from clickthrough._version import __version__

MARKER = "export.json"


class Marker(BaseModel):
    """The contents of ``export.json``.

    Attributes:
        home: for which it was written.
        bundle: the version of the bundle that it was made of.
        clickthrough: version of the package that wrote it.
        files: paths of all else that was written.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    home: str
    bundle: str
    clickthrough: str
    files: list[str]


def write_marker(folder: Path, home: str, bundle: str) -> None:
    """Name the files of an export that is whole but for this.

    Args:
        folder: where they lie.
        home: for which they were written.
        bundle: the version of what they were made of.
    """
    made = Marker(home=home, bundle=bundle, clickthrough=__version__, files=files_below(folder))
    (folder / MARKER).write_text(made.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_marker(folder: Path) -> Marker | None:
    """Return what the export in a directory says of itself; None where there is no export."""
    try:
        return Marker.model_validate_json((folder / MARKER).read_bytes())
    except (OSError, ValidationError):
        return None


def files_below(folder: Path) -> list[str]:
    """Return the paths of all files and links below a directory, but for Python's caches."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    kept = (path for path in found if path.parent.name != "__pycache__" or path.suffix != ".pyc")
    return sorted(path.relative_to(folder).as_posix() for path in kept)
