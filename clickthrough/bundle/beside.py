"""Writing a directory beside its place first, then renaming it in: nobody reads half of one."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """Yield a new directory that takes the place of ``target`` if all goes well.

    Args:
        target: the place; a directory that stands there is replaced as a whole.

    Raises:
        OSError: it cannot be written; what stood there is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield beside
        _swap(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _swap(beside: Path, target: Path) -> None:
    """Put the new directory where the old one stands; the old one is moved away first."""
    beside.chmod(0o755)
    if not target.exists():
        beside.replace(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    target.replace(old / "bundle")
    beside.replace(target)
    shutil.rmtree(old, ignore_errors=True)
