"""The listing of known vulnerabilities finds a planted one, and fails where it cannot ask."""

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.conftest import ROOT
from tests.lacking import lacking
from tests.ports import free_port

pytestmark = pytest.mark.stack
PLANTED = "PYSEC-2099-1"


class Handler(BaseHTTPRequestHandler):
    """Answers as osv.dev does; one package is vulnerable."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name = asked["package"]["name"]
        known = [_vulnerability(name)] if name == "msgspec" else []
        text = json.dumps({"vulns": known}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _vulnerability(name: str) -> dict[str, object]:
    events = [{"introduced": "0"}, {"fixed": "999"}]
    package = {"name": name, "ecosystem": "PyPI"}
    ranges = [{"type": "ECOSYSTEM", "events": events}]
    moment = "2099-01-01T00:00:00Z"
    return {
        "id": PLANTED, "aliases": [], "summary": "planted", "details": "planted",
        "affected": [{"package": package, "ranges": ranges}],
        "modified": moment, "published": moment,
    }  # fmt: skip


@pytest.fixture
def osv() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


def _listed(url: str) -> "subprocess.CompletedProcess[str]":
    if not (ROOT / ".venv" / "audit").is_dir():
        lacking("no pip-audit in .venv/audit: make test-all")
    return subprocess.run(
        ["make", "--silent", "vulnerabilities", f"AUDIT=--osv-url {url}"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_a_known_one_is_listed(osv: str) -> None:
    done = _listed(osv)
    assert done.returncode != 0
    assert PLANTED in done.stdout
    assert "msgspec" in done.stdout


def test_whoever_cannot_ask_fails() -> None:
    done = _listed(f"http://127.0.0.1:{free_port()}/v1/query")
    assert done.returncode != 0
    assert PLANTED not in done.stdout
