"""What the C library does with memory that was freed: glibc's mallopt(3) and malloc_trim(3).

Without glibc nothing changes.
"""

import ctypes
import sys
from collections.abc import Callable
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt."""


def keep_freed_memory() -> None:
    """Keep what is freed for the next step, up to a gigabyte, instead of giving it back.

    Activations of some megabytes are otherwise unmapped and mapped anew each step, and the kernel
    clears every page of them: a tenth of a step, a quarter of one in bf16. Whole tables are still
    given back.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 1 << 28)
        mallopt(_TRIM_THRESHOLD, 1 << 30)


def give_back_freed_memory() -> None:
    """Give back what is free: each thread has an arena, which otherwise keeps gigabytes of it."""
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str) -> Callable[..., Any] | None:
    if not sys.platform.startswith("linux"):
        return None
    found: Callable[..., Any] | None = getattr(ctypes.CDLL(None), name, None)
    return found
