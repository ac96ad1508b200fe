"""Writing the page of a bundle, and its charts as pictures beside it."""

from pathlib import Path

from clickthrough.bundle.load import Bundle
from clickthrough.errors import ClickthroughError
from clickthrough.report.latency import measured
from clickthrough.report.page import page
from clickthrough.whole_file import write_whole

REPORT = "report.html"


def write_report(bundle: Bundle, path: Path, other: Bundle | None = None) -> Path:
    """Write the report of a bundle.

    Args:
        bundle: whose.
        path: the file; its directory is there.
        other: what it is compared with.

    Raises:
        ClickthroughError: the file cannot be written.
    """
    if not path.resolve().parent.is_dir():
        raise ClickthroughError(f"{path}: no such directory")
    write_whole(path, page(bundle, measured(bundle), other))
    return path
