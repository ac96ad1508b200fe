"""A store in memory is of one process: several would each count on their own."""

import os
import tempfile
from multiprocessing import parent_process
from pathlib import Path

from clickthrough.errors import StoreError

_claims: list[int] = []
"""Locks that are held until the process ends."""


def claim_memory() -> None:
    """Claim to be the only process of a supervisor that counts in memory.

    Raises:
        StoreError: another process of the same supervisor does already, as under ``--workers 2``.
    """
    parent = parent_process()
    if parent is None or os.name != "posix":
        return
    import fcntl

    path = Path(tempfile.gettempdir()) / f"clickthrough-memory-{os.getuid()}-{parent.pid}.lock"
    lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise StoreError(
            "the store 'memory' counts in each process on its own, and another process of this "
            "service has one: use one worker, or a store that they share (CTR_STORE=FILE)"
        ) from None
    _claims.append(lock)
