"""Where the log of a preset lies: under the names of its release, or any other."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clickthrough.data.log_files import SUFFIXES, is_pattern, is_table, tail
from clickthrough.data.movielens import LONGEST, RATINGS, is_tabbed
from clickthrough.data.unpack import inner_name, is_compressed, opened_plain
from clickthrough.errors import ConfigError, DataError

_OTHER_NAMES = {"ratings.csv": ("ratings.dat", "u.data"), "movies.csv": ("movies.dat", "u.item")}
"""What other releases call a file."""
_RELEASED = (".dat", ".data")
"""How the names of tables of releases end, beside those that any table may have."""
_BESIDE = (".user", ".item")
"""How the names of tables end that lie beside an ``.inter``."""


def placed(values: dict[str, Any], data: Sequence[Path]) -> list[Path]:
    """Return where a preset's log lies, and put its form and its side tables beside it.

    Args:
        values: all sections, of which what tells of the log and its side tables is changed.
        data: the log's directory, or a file of it; or several. Side tables lie beside the first.

    Raises:
        ConfigError: a directory holds several files, and none that is called as the log is.
    """
    preset = values["data"]
    if preset.get("reader") != "tabular":
        return [place.parent if place.is_file() else place for place in data]
    paths = logs_at(data, [Path(preset["path"])])
    path = paths[0]
    if tuple(preset["roles"].get(role) for role in ("user", "item")) == RATINGS[:2]:
        preset |= form_of_ratings(path)
    lookup = values.get("serving", {}).get("lookup", {})
    for join in preset.get("joins") or []:
        name, found = join["file"], present(path.parent / join["file"])
        join["file"] = str(found)
        if name in lookup:
            lookup[found.name] = lookup.pop(name)
    return paths


def logs_at(data: Sequence[Path], before: Sequence[Path]) -> list[Path]:
    """Return the files of a log at some places.

    Args:
        data: each a file, or a directory that holds all files of the former names, or one log.
        before: where the log lies elsewhere: a directory of which all tables are the log stands
            for another one, a pattern for the same in another directory.

    Raises:
        ConfigError: see :func:`log_at`.
    """
    names = [tail(path) for path in before]
    found = []
    for place in data:
        if place.is_dir() and any(name is None or is_pattern(name) for name in names):
            found += [place / (name or "") for name in names]
            continue
        named = [present(place / str(name)) for name in names]
        whole = len(named) > 1 and place.is_dir() and all(path.is_file() for path in named)
        found += named if whole else [log_at(place, str(names[0]))]
    return found


def log_at(data: Path, name: str) -> Path:
    """Return the log at a place: a file, that of its name in a directory, or the only one there.

    Raises:
        ConfigError: a directory holds several files, and none that is called as the log is.
    """
    if not data.is_dir():
        return data
    named = present(data / name)
    others = [] if named.is_file() else [path for path in data.iterdir() if _may_be_log(path)]
    if len(others) > 1:
        found = ", ".join(sorted(path.name for path in others)[:5])
        raise ConfigError(
            f"{data}: expected {name} there, found {found}: name the log's file, or several that "
            f"are one log by a pattern such as '{data}/*{others[0].suffix}'"
        )
    return others[0] if others else named


def form_of_ratings(path: Path) -> dict[str, Any]:
    """Return how ratings are written, where that is not as in the preset."""
    return {"separator": "\t", "columns": list(RATINGS)} if is_tabbed(first_line(path)) else {}


def first_line(path: Path) -> bytes:
    """Return the first line of a file, compressed or not; nothing where it cannot be read."""
    try:
        with opened_plain(path) as file:
            return file.readline(LONGEST)
    except DataError:  # whoever reads the log says so
        return b""


def present(path: Path) -> Path:
    """Return a file, or what stands for it: compressed, or as another release calls it.

    The file itself if there is none.
    """
    names = [path.name, *_OTHER_NAMES.get(path.name, ())]
    forms = [form for name in names for form in _forms(path.with_name(name))]
    return next((form for form in forms if form.is_file()), path)


def _forms(path: Path) -> list[Path]:
    packed = [form for s in (".gz", ".zip") for form in (f"{path.name}{s}", f"{path.stem}{s}")]
    return [path, *(path.with_name(name) for name in packed)]


def is_log(path: Path) -> bool:
    """Tell a log from a configuration by its name: a directory, or a table, packed or not."""
    tables = tuple(suffix for suffix in SUFFIXES if suffix != ".txt")
    packed = is_compressed(path)
    return path.is_dir() or (path.is_file() and (packed or path.name.lower().endswith(tables)))


def _may_be_log(path: Path) -> bool:
    """Tell a table from what else lies beside it: a licence, a read-me, the test part."""
    name = inner_name(path).lower()
    beside = name.startswith((".", "_", "readme", "test", "sample")) or name in _SIDES
    if beside or name.endswith(_BESIDE):
        return False
    return path.is_file() and (is_table(path) or name.endswith(_RELEASED))


_SIDES = {"movies.csv", *_OTHER_NAMES["movies.csv"]}
