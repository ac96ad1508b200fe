"""What the C library does with memory that a training step frees."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt(3)."""


def keep_freed_memory() -> None:
    """Keep what is freed for the next step, up to a gigabyte, instead of giving it back.

    Activations of some megabytes are otherwise unmapped and mapped anew each step, and the kernel
    clears every page of them: a tenth of a step, a quarter of one in bf16. Whole tables are still
    given back. Without glibc nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 1 << 28)
        mallopt(_TRIM_THRESHOLD, 1 << 30)
