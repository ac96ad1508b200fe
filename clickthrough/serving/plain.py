"""Plain requests: what nearly every request for scores looks like over the wire.

One look says whether bytes are exactly one such request: POST to a known route, HTTP/1.1, one Host,
one Content-Length that tells the truth, nothing that asks for another treatment. Whatever is not
plain is left to a full parser, so the look is strict: it never has to be lenient.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

Headers = tuple[tuple[bytes, bytes], ...]

_LONGEST = 2_048
"""Bytes of a head: longer ones are left to the full parser."""
_HEAD = re.compile(
    rb"POST (/predict|/rank|/events) HTTP/1\.1\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[!-~ \t]*\r\n)+)\r\n"
)
_LENGTH = re.compile(rb"[0-9]{1,9}")
_UNUSUAL = {b"expect", b"transfer-encoding", b"upgrade"}
_SCORES = ("/predict", "/rank")


@dataclass(frozen=True, slots=True)
class PlainHead:
    """What comes before the body.

    Attributes:
        headers: names in lower case.
        length: bytes of the body.
    """

    path: str
    headers: Headers
    length: int


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """A whole request."""

    head: PlainHead
    body: bytes

    @property
    def scores(self) -> bool:
        """Whether it asks for scores."""
        return self.head.path in _SCORES


def read_plain(data: bytes) -> PlainRequest | None:
    """Return the request that bytes are, None unless they are exactly one plain request."""
    end = data.find(b"\r\n\r\n", 0, _LONGEST) + 4
    head = read_head(data[:end]) if end >= 4 else None
    if head is None or len(data) != end + head.length:
        return None
    return PlainRequest(head, data[end:])


@lru_cache(256)  # a client's heads differ in little
def read_head(head: bytes) -> PlainHead | None:
    """Return what a head says, None unless it is plain."""
    found = _HEAD.fullmatch(head)
    if found is None:
        return None
    lines = (line.partition(b":") for line in found[2].split(b"\r\n")[:-1])
    headers = tuple((name.lower(), value.strip(b" \t")) for name, _, value in lines)
    named = dict(headers)
    names = [name for name, _ in headers]
    length = _LENGTH.fullmatch(named.get(b"content-length", b""))
    once = all(names.count(name) == 1 for name in (b"host", b"content-length"))
    kept = named.get(b"connection", b"keep-alive").lower() == b"keep-alive"
    if length is None or not once or not kept or names.count(b"connection") > 1:
        return None
    if not _UNUSUAL.isdisjoint(names):
        return None
    return PlainHead(found[1].decode(), headers, int(length[0]))
