"""Where the service listens, and what it says where it cannot."""

import re
import socket
from pathlib import Path

import pytest

from clickthrough.errors import ClickthroughError
from clickthrough.replay import OverHttp
from clickthrough.serving import health_check
from clickthrough.serving.listening import listen
from tests.cli.process import run


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


WRONG = ["99999", "-1", "text", "8000.5", "1e3"]


@pytest.mark.parametrize("port", [99_999, -1, 8_000.5, None, *WRONG, ""])
def test_what_is_no_port_is_told_in_a_line(port: object) -> None:
    said = f"port: expected a port from 0 to 65535, found {port!r}"
    with pytest.raises(ClickthroughError, match=f"^{re.escape(said)}$"):
        listen("127.0.0.1", port)  # type: ignore[arg-type]


@pytest.mark.parametrize("port", WRONG)
@pytest.mark.parametrize("verb", ["serve", "demo"])
def test_a_verb_tells_it_in_a_line_before_the_work(port: str, verb: str, tmp_path: Path) -> None:
    asked = run(verb, "--port", port, folder=tmp_path)
    named = run(verb, folder=tmp_path, environment={"CTR_PORT": port})
    said = f"error: --port, or CTR_PORT: expected a port from 0 to 65535, found '{port}'\n"
    for done in (asked, named):
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("port", WRONG)
def test_the_health_check_tells_it_too(
    port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CTR_PORT", port)
    assert health_check.main() == 1
    said = f"CTR_PORT: expected a port from 0 to 65535, found '{port}'\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("url", ["http://here:99999", "http://here:text", "http://[::1", "ftp://a"])
def test_a_replay_by_an_address_that_is_none_is_told_in_a_line(url: str) -> None:
    with pytest.raises(ClickthroughError, match=f"^{re.escape(url)}: expected an address"):
        OverHttp(url)
