"""The health check of a container: a status that says whether the service is alive."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from clickthrough.serving import health_check
from tests.ports import free_port


@contextmanager
def _answering(status: int) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/live" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_the_status_of_the_answer(
    status: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with _answering(status) as port:
        monkeypatch.setenv("CTR_PORT", str(port))
        assert health_check.main() == code
    assert capsys.readouterr().out.startswith(str(status))


def test_nobody_listens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    monkeypatch.setenv("CTR_PORT", str(port))
    assert health_check.main() == 1
    assert f"port {port}: " in capsys.readouterr().err


def test_whoever_does_not_answer_in_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(health_check, "_SECONDS", 0.2)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:  # accepts, says nothing
        monkeypatch.setenv("CTR_PORT", str(server.server_port))
        assert health_check.main() == 1
    assert "timed out" in capsys.readouterr().err
