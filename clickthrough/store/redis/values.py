"""A value as the server holds it: when it expires and when it changed, then the value itself."""

from collections.abc import Mapping, Sequence
from struct import Struct

_NEVER = 2**63 - 1
_LEAST_MS = 3_600_000
"""The server keeps a value so long at the least: a clock is no reason to forget what is new."""
_LIVES = Struct("<qq")
HEAD = _LIVES.size
"""Bytes before a value."""


def pack(
    values: Mapping[bytes, bytes], expires: int | None, changed: int
) -> dict[bytes, tuple[bytes, bytes]]:
    """Return, for each key, how many milliseconds the server keeps it, 0 for ever, and its value.

    Args:
        values: by key.
        expires: in microseconds of the events' time; None for never.
        changed: the same, when it changed.
    """
    if expires is None:
        head, life = _LIVES.pack(_NEVER, changed), b"0"
    else:
        head = _LIVES.pack(expires, changed)
        life = b"%d" % max(_LEAST_MS, (expires - changed) // 1_000 + 1)
    return {key: (life, head + value) for key, value in values.items()}


def unpack(found: Sequence[bytes | None]) -> list[bytes | None]:
    """Return the values themselves."""
    return [None if value is None else value[HEAD:] for value in found]


def life_of(head: bytes) -> tuple[int, int] | None:
    """Return when a value changed and expires; None where it never does, or is none of ours."""
    if len(head) != HEAD:
        return None
    expires, changed = _LIVES.unpack(head)
    return None if expires == _NEVER else (changed, expires)
