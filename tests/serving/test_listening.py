"""Where the service listens, and what it says where it cannot."""

import re
import socket

import pytest

from clickthrough.errors import ClickthroughError
from clickthrough.serving.listening import listen


def test_a_turn_of_the_loop_may_accept_many() -> None:
    sockets = listen("127.0.0.1", 0)
    assert len(sockets) >= 32
    assert len({one.getsockname() for one in sockets}) == 1
    port = sockets[0].getsockname()[1]
    callers = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in sockets]
    for one in sockets:  # each accepts, from the one queue
        accepted, _ = one.accept()
        accepted.close()
    for one in (*callers, *sockets):
        one.close()


def test_a_place_that_is_taken_is_told_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ClickthroughError, match=rf"127.0.0.1, port {port}: Address already"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "x" * 300])
def test_a_place_that_is_none_of_ours_is_told_in_a_line(host: str) -> None:
    with pytest.raises(ClickthroughError, match=re.escape(f"cannot listen on {host}, port 0: ")):
        listen(host, 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_it_listens_on_either_kind_of_address() -> None:
    try:
        sockets = listen("::1", 0)
    except ClickthroughError:
        pytest.skip("this machine has no address ::1")
    assert sockets[0].family == socket.AF_INET6
    for one in sockets:
        one.close()
