"""A place that one run at a time works on: a second one hears at once who is there.

The lock is the kernel's, so it falls away with the process that holds it, however that ends.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from clickthrough.errors import ClickthroughError

try:
    import fcntl
except ModuleNotFoundError:  # a system without these locks: then all goes on as if alone
    fcntl = None  # type: ignore[assignment]

_MOST = 400
"""Characters of a holder that are told."""


def lock_beside(place: Path) -> Path:
    """Return the file of the lock for a place that is replaced as a whole.

    >>> lock_beside(Path("runs/models")).name
    '.models.lock'
    """
    place = place if place.name else place.resolve()
    return place.with_name(f".{place.name}.lock")


@contextmanager
def alone(place: Path, lock: Path | None = None) -> Iterator[None]:
    """Hold a place for as long as a run works on it.

    Args:
        place: a directory, which need not be there yet.
        lock: the file by which it is held, gone at the end; by default one beside the place.

    Raises:
        ClickthroughError: another run holds it, or nothing can be written there.
    """
    if fcntl is None:
        yield
        return
    lock = lock or lock_beside(place)
    made = list[Path]()
    try:
        made = [folder for folder in lock.parents if not folder.exists()]
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = _held(lock)
    except BlockingIOError:
        raise ClickthroughError(
            f"{place}: another run works on it, {_holder(lock)}; wait for its end, or name another "
            "place with --out"
        ) from None
    except OSError as error:
        raise ClickthroughError(f"{place}: cannot be written: {error}") from None
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()  # while it is held: nobody else's can lie there
        os.close(held)
        with suppress(OSError):  # what was made for the lock alone, and holds nothing
            for folder in made:
                folder.rmdir()


def _held(lock: Path) -> int:
    """Open and hold the file of a lock, and write into it who does.

    Raises:
        BlockingIOError: another process holds it.
        OSError: it cannot be written.
    """
    while True:
        opened = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            flock(opened, wait=False)
            if _lies_at(lock, opened):  # else who held it has removed it since
                with suppress(OSError):  # a disk without room holds the lock, and no words
                    os.ftruncate(opened, 0)
                    os.write(opened, _myself().encode())
                return opened
        except BaseException:
            os.close(opened)
            raise
        os.close(opened)


def flock(opened: int, wait: bool = True) -> bool:
    """Hold an open file or directory until it is closed, or the process ends.

    Args:
        opened: its number.
        wait: for another who holds it.

    Returns:
        Whether it is held: not every system or file system has such locks.

    Raises:
        BlockingIOError: another process holds it, and this one does not wait.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(opened, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def _lies_at(path: Path, opened: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(opened))
    except FileNotFoundError:
        return False


def _myself() -> str:
    since = datetime.now().astimezone().isoformat(" ", "seconds")
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    return f"process {os.getpid()} since {since}: {command}"


def _holder(lock: Path) -> str:
    """Say who holds a lock; the file is written a moment after it is held."""
    with suppress(OSError, UnicodeDecodeError):
        if said := " ".join(lock.read_text().split())[:_MOST]:
            return said
    return "of which no more is known"
