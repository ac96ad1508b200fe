"""Writing a directory beside its place first, then renaming it in: nobody reads half of one.

Where the system can exchange two names, there is no moment in which nothing stands at the place,
and whatever happens to the process a whole directory does: the old one or the new one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clickthrough.cleanup import scratch_beside
from clickthrough.exchange import exchange


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """Yield a new directory that takes the place of ``target`` if all goes well.

    Args:
        target: the place; a directory that stands there is replaced as a whole.

    Raises:
        OSError: it cannot be written; what stood there is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch_beside(target) as room:
        made = room / "new"
        made.mkdir()
        yield made
        _put(made, target)


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
