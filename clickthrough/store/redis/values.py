"""A value as the server holds it: when it expires and when it changed, then the value itself."""

from collections.abc import Sequence
from struct import Struct

_NEVER = 2**63 - 1
_SPARE_MS, _MOST_MS = 7 * 86_400_000, 30 * 86_400_000
"""The server keeps a value a week longer than it is needed: its clock goes on where no events come,
and what it forgot too early would count twice. What is to be kept for longer than a month it does
not forget by itself: that would cost as much as all else, at every change of a counter."""
_LIVES = Struct("<qq")
HEAD = _LIVES.size
"""Bytes before a value."""


def head_of(expires: int | None, changed: int) -> bytes:
    """Return what stands before values that expire and changed at a time of events."""
    return _LIVES.pack(_NEVER if expires is None else expires, changed)


def server_life(expires: int | None, changed: int) -> int:
    """Return after how many milliseconds the server forgets a value; 0 where it does not.

    >>> server_life(0, 0), server_life(None, 0), server_life(90 * 86_400_000_000, 0)
    (604800000, 0, 0)
    """
    life = _MOST_MS + 1 if expires is None else max(0, (expires - changed) // 1_000)
    return life + _SPARE_MS if life <= _MOST_MS else 0


def unpack(found: Sequence[bytes | None]) -> list[bytes | None]:
    """Return the values themselves."""
    return [value if value is None else value[HEAD:] for value in found]


def life_of(head: bytes) -> tuple[int, int] | None:
    """Return when a value changed and expires; None where it never does, or is none of ours."""
    if len(head) != HEAD:
        return None
    expires, changed = _LIVES.unpack(head)
    return None if expires == _NEVER else (changed, expires)
