"""Memory: what the C library does with what a step frees, and what is said where there is none."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from clickthrough.errors import ConfigError

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


@contextmanager
def naming_memory(what: str) -> Iterator[None]:
    """Name what does not fit into memory.

    Raises:
        ConfigError: it does not.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        reason = str(error).partition("\n")[0].rpartition("] ")[2] or "no memory is left"
        raise ConfigError(f"{what} does not fit into memory: {reason}") from None
