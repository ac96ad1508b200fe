"""What is told of an exception that nobody foresaw: a line instead of a traceback."""

import platform
import tempfile
import traceback
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from clickthrough._version import __version__

_TOLD = ("numpy", "onnxruntime", "polars", "torch")
"""Packages whose versions matter most."""
_MOST = 500
"""Characters of an exception's message."""


def crash_report(error: BaseException, shown: bool) -> str:
    """Tell of a fault of clickthrough in two lines, and keep its traceback.

    Args:
        error: what was raised.
        shown: whether the traceback is part of the text.
    """
    text = "".join(traceback.format_exception(error))
    what = " ".join(f"{type(error).__name__}: {error}".split())[:_MOST]
    path = _kept(f"{versions()}\n\n{text}")
    if path is None or shown:
        what = f"{what}\n{text.rstrip()}"
    where = "the traceback above" if path is None else f"the traceback, {path},"
    return (
        f"unexpected, a fault of clickthrough: {what}\n"
        f"please open an issue in its repository with {where} and: {versions()}"
    )


def versions() -> str:
    """Return the versions that a report needs, in a line."""
    found = [f"clickthrough {__version__}", f"Python {platform.python_version()}"]
    for name in _TOLD:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return ", ".join([*found, platform.platform()])


def _kept(text: str) -> str | None:
    """Write a file that its owner alone may read, and return its path; None where none can be."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="clickthrough-", suffix=".txt", delete=False
        ) as file:
            file.write(text)
    except OSError:  # the disk that is full may be what went wrong
        return None
    return file.name
