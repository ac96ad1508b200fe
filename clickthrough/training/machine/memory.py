"""What is said where there is no memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from clickthrough.errors import ConfigError


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
