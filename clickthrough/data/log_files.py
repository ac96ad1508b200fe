"""Which files a path stands for: a file, the tables of a directory, or those that a pattern takes.

A pattern is a path with ``*``, ``?``, ``[...]`` or ``**``; a part of it that is there under just
that name is no pattern. What Spark and others leave beside tables (names that begin with ``_`` or
``.``) is not looked at; what holds another file again is passed over, and told of.
"""

from collections.abc import Sequence
from pathlib import Path

from clickthrough.data.name_order import in_order
from clickthrough.data.twins import twins
from clickthrough.data.unpack import inner_name, is_compressed
from clickthrough.errors import DataError
from clickthrough.schema_file import NAME

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".jsonl", ".ndjson", ".json", ".inter", ".user",
            ".item")  # fmt: skip
"""Of the names of tables in a directory."""
_SIGNS = frozenset("*?[")


def log_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files that the paths of a log stand for, those of each path in order.

    Raises:
        DataError: a pattern or a directory holds no table, or a file is taken twice.
    """
    found = [file for path in paths for file in files_of(path)]
    for file, other in twins(found):
        also = "" if file == other else f", since it holds {other} again"
        raise DataError(f"{file}: taken twice{also}, which would count all of it twice")
    return found


def files_of(path: Path) -> list[Path]:
    """Return the files that a path stands for, by their names, each once.

    Raises:
        DataError: it is a directory or a pattern, and there is no table.
    """
    found = found_at(path)
    again = dict(twins(found))
    return [file for file in found if file not in again]


def passed_over(path: Path) -> list[str]:
    """Say of files at a path that they hold another one again.

    Raises:
        DataError: it is a directory or a pattern, and there is no table.
    """
    again = twins(found_at(path))
    return [f"{file} is passed over: it holds {other.name} again" for file, other in again]


def found_at(path: Path) -> list[Path]:
    """Return the files at a path by their names, what holds another one again among them.

    Raises:
        DataError: it is a directory or a pattern, and there is no table.
    """
    if path.is_dir():
        return tables_in(path)
    root, pattern = divided(path)
    if pattern is None:
        return [path]
    return _kept(root, pattern, f"{path}: no file is called so")


def tables_in(folder: Path) -> list[Path]:
    """Return the tables of a directory, by their names.

    Raises:
        DataError: there is none.
    """
    found = [path for path in _visible(folder, "*") if is_table(path)]
    if found:
        return found
    expected = f"expected {', '.join(SUFFIXES)}, or .gz or .zip"
    below = any(is_table(path) for path in _visible(folder, "**/*"))
    hint = f"; '{folder}/**' takes those in directories below" if below else ""
    raise DataError(f"{folder}: holds no table: {expected}{hint}")


def tables_below(folder: Path) -> list[Path]:
    """Return the tables in the directories below a directory, by their names."""
    return [path for path in _visible(folder, "**/*") if is_table(path)]


def divided(path: Path) -> tuple[Path, str | None]:
    """Divide a path into the directory that is named and the pattern below; None where none is."""
    root = Path(path.anchor)
    parts = path.relative_to(root).parts
    for place, part in enumerate(parts):
        if _SIGNS & set(part) and not (root / part).exists():
            return root, "/".join(parts[place:])
        root /= part
    return root, None


def tail(path: Path) -> str | None:
    """Return what stands for a log in another directory; None where the whole directory does.

    >>> tail(Path("logs/a.csv")), tail(Path("logs/day=*/*.csv"))
    ('a.csv', 'day=*/*.csv')
    """
    if path.is_dir() or not (path.suffix or path.exists()):
        return None
    return divided(path)[1] or path.name


def is_pattern(name: str) -> bool:
    """Tell a name that may stand for several files.

    >>> is_pattern("*.csv"), is_pattern("a.csv")
    (True, False)
    """
    return bool(_SIGNS & set(name))


def is_table(path: Path) -> bool:
    """Tell a table by its name."""
    inner = Path(inner_name(path).lower())
    named = inner.suffix in SUFFIXES or (is_compressed(path) and not inner.suffix)
    return named and path.name != NAME  # the schema of a configuration is no log


def _kept(root: Path, pattern: str, lacks: str) -> list[Path]:
    """Return what a pattern takes: tables, or where none has such a name all files."""
    last = pattern.rsplit("/", maxsplit=1)[-1]
    try:
        found = _visible(root, f"{pattern}/*" if last == "**" else pattern)
    except (ValueError, NotImplementedError) as error:  # such as **.csv before Python 3.13
        raise DataError(f"{root / pattern}: no pattern of files: {error}") from None
    kept = [path for path in found if is_table(path)] or found
    if not kept:
        raise DataError(lacks)
    return kept


def _visible(root: Path, pattern: str) -> list[Path]:
    """Return files by a pattern, without those that programs leave for themselves."""
    return in_order(
        path
        for path in root.glob(pattern)
        if path.is_file() and not any(_is_left(part) for part in path.relative_to(root).parts)
    )


def _is_left(name: str) -> bool:
    return name.startswith((".", "_"))
