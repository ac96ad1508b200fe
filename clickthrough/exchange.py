"""Exchanging two names in one step, where the system and the file system can."""

import ctypes
import errno
import os
import sys
from pathlib import Path

_HERE = -100
"""Linux: a path that is not absolute starts at the working directory."""
_EXCHANGE = 2
"""The flag by which both systems exchange names rather than replace one."""
_CANNOT = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}
"""What a kernel, a file system or a sandbox answers that lacks the call or the flag."""


def exchange(one: Path, other: Path) -> bool:
    """Let two names that exist stand for each other's file or directory.

    Returns:
        Whether they do now; False where it cannot be done in one step.

    Raises:
        OSError: it could be done, but not with these two.
    """
    first, second = os.fsencode(one), os.fsencode(other)
    try:
        system = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = system.renamex_np(first, second, ctypes.c_uint(_EXCHANGE))
        else:
            failed = system.renameat2(_HERE, first, _HERE, second, ctypes.c_uint(_EXCHANGE))
    except (AttributeError, OSError, TypeError):  # no such call, or no library to look in
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in _CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(other))
