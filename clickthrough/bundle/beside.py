"""Writing a directory beside its place first, then renaming it in: nobody reads half of one.

Where the system can exchange two names, there is no moment in which nothing stands at the place,
and whatever happens to the process a whole directory does: the old one or the new one.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clickthrough.bundle.exchange import exchange
from clickthrough.cleanup import clear_left, hold, release

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
    held = hold(room)
    try:
        made = room / "new"
        made.mkdir()
        yield made
        _put(made, target)
        clear_left(target.parent, f".{target.name}-", _ENDING)
    finally:
        shutil.rmtree(room, ignore_errors=True)
        release(held)


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
