"""Writing a directory beside its place first, then renaming it in: nobody reads half of one.

Where the system can exchange two names, there is no moment in which nothing stands at the place,
and whatever happens to the process a whole directory does: the old one or the new one.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clickthrough.alone import flock
from clickthrough.bundle.exchange import exchange

_ENDING = ".writing"


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """Yield a new directory that takes the place of ``target`` if all goes well.

    It is made in a directory ``.NAME-XXXXXXXX.writing`` beside the place, which goes at the end
    with all that was put there. Those that killed processes left go when a later one has succeeded;
    a lock tells them from those in use.

    Args:
        target: the place; a directory that stands there is replaced as a whole.

    Raises:
        OSError: it cannot be written; what stood there is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    room = Path(tempfile.mkdtemp(prefix=f".{target.name}-", suffix=_ENDING, dir=target.parent))
    held = _lock(room)
    try:
        made = room / "new"
        made.mkdir()
        yield made
        _put(made, target)
        _clear_away(target)
    finally:
        shutil.rmtree(room, ignore_errors=True)
        if held is not None:
            os.close(held)


def _put(made: Path, target: Path) -> None:
    """Let the new directory take its place; the old one is then in the room of the new one."""
    if not os.path.lexists(target):
        made.replace(target)
        return
    if exchange(made, target):
        return
    old = made.with_name("old")
    try:
        target.replace(old)
        made.replace(target)
    except BaseException:
        if os.path.lexists(old) and not os.path.lexists(target):
            old.replace(target)
        raise


def _clear_away(target: Path) -> None:
    """Remove what killed processes left beside a place, now that a whole directory stands there."""
    left = re.compile(rf"\.{re.escape(target.name)}-[a-z0-9_]{{8}}{re.escape(_ENDING)}")
    for room in [path for path in target.parent.iterdir() if left.fullmatch(path.name)]:
        held = _lock(room, wait=False)
        if held is None:
            continue
        if any(room.iterdir()):  # else another process has just made it, and holds it next
            shutil.rmtree(room, ignore_errors=True)
        os.close(held)


def _lock(room: Path, wait: bool = True) -> int | None:
    """Hold a directory until the process ends, however it does; None where that cannot be."""
    with suppress(OSError, AttributeError):  # a system without O_DIRECTORY has no such locks
        opened = os.open(room, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        with suppress(BlockingIOError):
            if flock(opened, wait):
                return opened
        os.close(opened)
    return None
