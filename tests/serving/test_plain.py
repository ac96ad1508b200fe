"""Telling plain requests: a look that is never lenient."""

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.serving.plain import read_plain

BODY = b'{"impressions": [{}]}'


def request(
    path: str = "/predict",
    body: bytes = BODY,
    *lines: str,
    method: str = "POST",
    version: str = "1.1",
    length: str | None = None,
    host: str = "Host: x",
) -> bytes:
    named = ["Content-Type: application/json", *lines]
    if host:
        named.insert(0, host)
    if length != "":
        named.append(f"Content-Length: {len(body) if length is None else length}")
    head = "\r\n".join([f"{method} {path} HTTP/{version}", *named])
    return f"{head}\r\n\r\n".encode("latin-1") + body


def test_a_plain_request_is_read() -> None:
    found = read_plain(request("/rank", BODY, "X-Trace:  a b\t"))
    assert found is not None
    assert (found.head.path, found.body, found.scores) == ("/rank", BODY, True)
    assert found.head.headers == (
        (b"host", b"x"),
        (b"content-type", b"application/json"),
        (b"x-trace", b"a b"),
        (b"content-length", b"21"),
    )
    events = read_plain(request("/events"))
    assert events is not None
    assert not events.scores


@pytest.mark.parametrize("lines", [(), ("Connection: keep-alive",), ("connection: Keep-Alive",)])
def test_who_says_that_the_connection_is_kept_is_plain_too(lines: tuple[str, ...]) -> None:
    assert read_plain(request("/predict", BODY, *lines)) is not None


WHOLE = request()
OTHERS = [
    b"", WHOLE[:30], WHOLE[:-1], WHOLE + b"x", WHOLE * 2, b"\r\n" + WHOLE, b" " + WHOLE,
    request(method="GET"), request(method="post"), request(version="1.0"), request(version="2"),
    request("/predict?x=1"), request("/predicted"), request("/health/live"),
    request("/model/reload"), request("http://x/predict"), request("/%70redict"),
    request(host=""), request(host="Host: x\r\nHost: y"), request(length=""),
    request(length="-1"), request(length="+21"), request(length="21, 21"), request(length="0x15"),
    request(length="21\r\nContent-Length: 21"), request(length="9999999999"), request(length="2_1"),
    request("/predict", BODY, "Connection: close"), request("/predict", BODY, "Connection: x"),
    request("/predict", BODY, "Connection: keep-alive", "Connection: close"),
    request("/predict", BODY, "Expect: 100-continue"), request("/predict", BODY, "Upgrade: h2c"),
    request("/predict", BODY, "Transfer-Encoding: chunked"),
    request("/predict", BODY, "Folded: a\r\n b"), request("/predict", BODY, "Space : a"),
    request("/predict", BODY, ": a"), request("/predict", BODY, "Bare: a\nb"),
    request("/predict", BODY, "Nul: a\x00b"), request("/predict", BODY, "High: \xe9"),
    request("/predict", BODY, "No colon"), request("/predict", BODY, "Long: " + "a" * 4_000),
    WHOLE.replace(b"\r\n", b"\n"),
]  # fmt: skip


@pytest.mark.parametrize("data", OTHERS)
def test_whatever_else_is_left_to_the_full_parser(data: bytes) -> None:
    assert read_plain(data) is None


MUTATED = st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 3), st.binary(max_size=3))


@given(st.lists(MUTATED, max_size=3))
def test_what_is_plain_a_full_parser_reads_alike(changes: list[tuple[int, int, bytes]]) -> None:
    data = WHOLE
    for place, gone, put in changes:
        data = data[:place] + put + data[place + gone :]
    found = read_plain(data)
    if found is None:
        return
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    event, body = connection.next_event(), b""
    assert isinstance(event, h11.Request)
    assert (event.method, event.target.decode()) == (b"POST", found.head.path)
    assert [(bytes(n), bytes(v)) for n, v in event.headers] == list(found.head.headers)
    while isinstance(part := connection.next_event(), h11.Data):
        body += bytes(part.data)
    assert isinstance(part, h11.EndOfMessage)
    assert body == found.body
    assert connection.trailing_data == (b"", False)
