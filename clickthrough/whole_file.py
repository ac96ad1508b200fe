"""Writing a file as a whole: who reads it finds the old one or the new one, never half of one."""

from pathlib import Path

from clickthrough.cleanup import scratch_beside
from clickthrough.errors import ClickthroughError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a text, or bytes, beside its place and rename it in.

    Args:
        path: what lies there is replaced; what is no file, such as a terminal, is written to.
        content: what it gets.

    Raises:
        ClickthroughError: it cannot be written; what lay there is left.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        target = path.resolve()  # a link goes on leading where it led
        with scratch_beside(target) as folder:
            beside = folder / target.name
            beside.write_bytes(data)
            beside.replace(target)
    except OSError as error:
        raise ClickthroughError(f"{path}: cannot be written: {error}") from None
