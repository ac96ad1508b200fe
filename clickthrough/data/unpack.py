"""Compressed files, and some of older makes, made plain for as long as a log is read.

Raw logs come as ``.gz`` or as ``.zip`` with one member. They are decompressed as a stream into a
temporary directory in the cache, where the converted log goes as well, so that a cut file is
noticed before anything is made of it and memory does not depend on the size of the file.
"""

import gzip
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

from clickthrough.data.bounds import Bounds
from clickthrough.data.movielens import rewritten
from clickthrough.errors import DataError

Plain = Callable[[Path], Path]
"""Gives the plain file of a path: itself, or what it was decompressed or rewritten to."""

_BLOCK = 1 << 20
_BROKEN = (EOFError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, NotImplementedError)


@contextmanager
def unpacking(cache: Path) -> Iterator[Plain]:
    """Yield what makes files plain; what was decompressed is removed on leaving.

    Args:
        cache: gets a temporary directory once a file is met that is not plain.

    >>> with unpacking(Path("cache")) as plain:
    ...     plain(Path("log.csv")).name
    'log.csv'
    """
    with ExitStack() as stack:
        folders: list[Path] = []

        def folder() -> Path:
            if not folders:
                folders.append(stack.enter_context(_temporary(cache)))
            return folders[0]

        def plain(path: Path) -> Path:
            made = plain_file(path, folder()) if is_compressed(path) else path
            return rewritten(made, folder)

        yield plain


def is_compressed(path: Path) -> bool:
    """Tell a compressed file by its suffix."""
    return path.suffix.lower() in (".gz", ".zip")


def inner_name(path: Path) -> str:
    """Return the name of a file without the suffix of its compression.

    >>> inner_name(Path("logs/clicks.csv.gz"))
    'clicks.csv'
    """
    return path.stem if is_compressed(path) else path.name


def is_parquet(path: Path) -> bool:
    """Tell a Parquet file by its name, whatever it is compressed with."""
    return inner_name(path).lower().endswith(".parquet")


def plain_file(path: Path, folder: Path) -> Path:
    """Return a file as it is, or decompressed into a folder.

    Raises:
        DataError: it is no such archive, is cut, damaged or encrypted, has several members, unpacks
            to more than is taken, or the folder cannot be written.
    """
    if not is_compressed(path):
        return path
    with (
        _opened(path) as (source, suffix, size),
        tempfile.NamedTemporaryFile(dir=folder, suffix=suffix, delete=False) as target,
    ):
        bounds = Bounds(path, folder)
        if size is not None:  # as a zip says it, before the work
            bounds.check(size, 0)
        _copy(source, target, bounds)
    return Path(target.name)


def _copy(source: IO[bytes], target: IO[bytes], bounds: Bounds) -> None:
    """Copy a stream; a place that cannot be written is no fault of the file that is read."""
    folder, written = bounds.folder, 0
    while block := source.read(_BLOCK):
        bounds.check(written + len(block), written)
        written += len(block)
        try:
            target.write(block)
            target.flush()
        except OSError as error:
            raise DataError(f"{folder}: cannot be written: {error}") from None


@contextmanager
def opened_plain(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading its first bytes, decompressed where it is compressed.

    Raises:
        DataError: as of ``plain_file``.
    """
    with _opened(path) as (source, _, _):
        yield source


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], str, int | None]]:
    """Yield the content, the suffix of its name inside, and its size where the file tells it.

    Raises:
        DataError: says what is wrong with the file.
    """
    try:
        with _raw(path) as found:
            yield found
    except _BROKEN as error:
        raise DataError(f"{path}: cut or damaged: {error}") from None
    except (OSError, RuntimeError) as error:  # zipfile says RuntimeError of an encrypted member
        raise DataError(f"{path}: cannot be read: {error}") from None


@contextmanager
def _raw(path: Path) -> Iterator[tuple[IO[bytes], str, int | None]]:
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(member := _only_member(archive)) as it:
            yield it, Path(member.filename).suffix.lower(), member.file_size
    elif path.suffix.lower() == ".gz":
        with gzip.open(path) as content:
            yield cast(IO[bytes], content), Path(path.stem).suffix.lower(), None
    else:
        with path.open("rb") as content:
            yield content, path.suffix.lower(), None


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    files = [
        entry
        for entry in archive.infolist()
        if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")
    ]
    if len(files) != 1:
        found = ", ".join(entry.filename for entry in files[:5]) or "none"
        raise DataError(
            f"{archive.filename}: expected one file in it, found {len(files)}: {found}; "
            "unpack it and name the file that is meant"
        )
    return files[0]


@contextmanager
def _temporary(cache: Path) -> Iterator[Path]:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unpacked-", dir=cache) as folder:
        yield Path(folder)
