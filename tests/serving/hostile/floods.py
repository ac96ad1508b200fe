"""Bodies of a megabyte and more that ask for all the work that their bytes can."""

import json
from collections.abc import Callable

MEGABYTE = 1_000_000


def _rows(key: str, row: Callable[[int], object], size: int) -> bytes:
    """Return a body of different rows, of about so many bytes."""
    count = size // len(json.dumps(row(size)).encode()) + 1
    return json.dumps({key: [row(place) for place in range(count)]}).encode()


def floods(key: str) -> dict[str, bytes]:
    """Return bodies by what is many in them.

    Args:
        key: of the rows in a body of the route that is attacked.
    """
    near, over = MEGABYTE - 20_000, 3_900_000
    names = {f"f{place}": place for place in range(near // 16)}
    return {
        "wrong rows": b'{"%s": [%s1]}' % (key.encode(), b"1," * (over // 2)),
        "rows": _rows(key, lambda place: {"ad": place}, near),
        "empty rows": b'{"%s": [%s{}]}' % (key.encode(), b"{}," * (near // 3)),
        "other names in each row": _rows(key, lambda p: {f"f{p}": 1, f"g{p}": [p]}, near // 2),
        "names in a few rows": _few(key, [{**names, "ad": 1}]),
        "names in rows that differ": _few(key, [_shifted(p) for p in range(20)]),
        "a long id": _few(key, [{"ad": "9" * near}]),
        "a long request id": _few(key, [{"ad": p, "request_id": "r" * 9_000} for p in range(100)]),
        "a long text": _few(key, [{"ad": 1, "platform": "m" * near}]),
        "a long name": _few(key, [{"m" * near: 1}]),
        "a long list": _few(key, [{"ad": 1, "platform": [1.5] * (near // 5)}]),
        "brackets": b'{"%s": ' % key.encode() + b"[" * over,
        "brackets in a row": b'{"%s": [{"ad": ' % key.encode() + b"[" * near,
        "braces": b'{"a":' * (over // 5),
        "quotes": b'{"%s": ["' % key.encode() + b'\\"' * (near // 2),
        "escapes": b'{"%s": [{"ad": "%s"}]}' % (key.encode(), b"\\u0041" * (near // 6)),
        "digits": b'{"%s": [{"ad": %s}]}' % (key.encode(), b"9" * near),
        "NaNs": b'{"%s": [{"platform": [%sNaN]}]}' % (key.encode(), b"NaN," * (near // 4)),
        "NaNs and quotes": b'{"%s": [' % key.encode() + b'NaN"' * (near // 4),
        "keys of the body": json.dumps({**names, key: []}).encode(),
        "a long key of the body": json.dumps({"k" * near: 1, key: []}).encode(),
        "the key again and again": b"{%s}" % b",".join([b'"%s":[]' % key.encode()] * 60_000),
        "no text": b"\xff" * near,
        "zeros": bytes(near),
        "spaces": b" " * near,
    }


def _few(key: str, rows: list[dict[str, object]]) -> bytes:
    return json.dumps({key: rows}).encode()


def _shifted(by: int) -> dict[str, object]:
    return {"ad": by, **{f"f{place}": 1 for place in range(by, 2_500 + by)}}
