"""Compressed files, and some of other makes, made plain for as long as a log is read.

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
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, cast

from clickthrough.cleanup import clear_left, scratch_directory
from clickthrough.data.bounds import Bounds
from clickthrough.data.encoding import HEAD, encoding_of_file
from clickthrough.data.form import TableForm
from clickthrough.data.movielens import rewritten
from clickthrough.data.rewriting import is_plain, rewrite
from clickthrough.errors import DataError

PLAIN = TableForm()


class Plain(Protocol):
    """Gives the plain file of a path: itself, or what it was decompressed or written anew to.

    Of JSON lines that is Parquet.
    """

    def __call__(self, path: Path, form: TableForm = PLAIN, /) -> Path:
        """Return it.

        Args:
            path: any file.
            form: how its table is written.
        """
        ...


_BLOCK = 1 << 20
_LINES = (".jsonl", ".ndjson", ".json")
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
        made: dict[tuple[object, ...], Path] = {}

        def folder() -> Path:
            if not folders:
                folders.append(stack.enter_context(_temporary(cache)))
            return folders[0]

        def plain(path: Path, form: TableForm = PLAIN, /) -> Path:
            if (key := (path, *form.of_lines)) not in made:
                made[key] = _made(path, form, folder)
            return made[key]

        yield plain


def _made(path: Path, form: TableForm, folder: Callable[[], Path]) -> Path:
    unpacked = plain_file(path, folder()) if is_compressed(path) else path
    if not is_lines(path):
        return _in_plain_lines(rewritten(unpacked, folder), path, form, folder)
    from clickthrough.data.lines import lines_to_parquet  # loads Polars, which a scorer is without

    with unpacked.open("rb") as file:
        return lines_to_parquet(file, str(path), Path(tempfile.mkdtemp(dir=folder())))


def _in_plain_lines(
    unpacked: Path, path: Path, form: TableForm, folder: Callable[[], Path]
) -> Path:
    """Return a plain file as it is, or with its lines written anew."""
    if is_parquet(path) or is_plain(form, encoding := _encoding(unpacked, form)):
        return unpacked
    if form.skip and form.columns:
        from clickthrough.data.above import refuse_row_above  # loads Polars

        with unpacked.open("rb") as file:
            refuse_row_above(file.read(HEAD), encoding, form, str(path))
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=folder(), suffix=".csv", delete=False
    ) as target:
        try:
            rewrite(unpacked, str(path), form, encoding, target)
        except OSError as error:
            raise DataError(f"{folder()}: cannot be written: {error}") from None
    return Path(target.name)


def _encoding(path: Path, form: TableForm) -> str:
    """Return the encoding of a file; whoever reads it will say where he cannot."""
    try:
        with path.open("rb") as file:
            return encoding_of_file(file, form.encoding)
    except OSError:
        return "utf-8"


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


def is_lines(path: Path) -> bool:
    """Tell JSON lines by their name, or by what is in an archive whose name does not say it."""
    inner = Path(inner_name(path).lower())
    if inner.suffix in _LINES:
        return True
    return is_compressed(path) and not inner.suffix and _holds_lines(path)


def _holds_lines(path: Path) -> bool:
    try:
        with _opened(path) as (file, suffix, _):
            return suffix in _LINES or file.read(1) == b"{"
    except DataError:  # whoever reads it says so
        return False


def has_types(path: Path) -> bool:
    """Tell files that say of each column what it holds, as Parquet does."""
    return is_parquet(path) or is_lines(path)


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
    every = [entry for entry in archive.infolist() if not entry.is_dir()]
    files = [entry for entry in every if not _is_left(PurePosixPath(entry.filename))]
    if len(files) != 1:
        found = ", ".join(entry.filename for entry in files[:5]) or "none"
        raise DataError(
            f"{archive.filename}: expected one file in it, found {len(files)}: {found}; "
            "unpack it and name the file that is meant"
        )
    return files[0]


def _is_left(name: PurePosixPath) -> bool:
    """Tell what macOS puts beside the files of an archive."""
    return "__MACOSX" in name.parts or name.name.startswith(".")


@contextmanager
def _temporary(cache: Path) -> Iterator[Path]:
    cache.mkdir(parents=True, exist_ok=True)
    clear_left(cache, "unpacked-")
    with scratch_directory(cache, "unpacked-") as folder:
        yield folder
