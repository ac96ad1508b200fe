"""A real process at SIGTERM: readiness first, then what is in flight, then status 0."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.asking import ask
from tests.conftest import ROOT

SLOW = """
import time
from clickthrough.serving.app import from_environment

app = from_environment()
predictor = app.state.current.predictor
own = predictor.predict_each

def slowly(bodies):
    if len(bodies[0]) > 1:
        print("scoring", flush=True)
        time.sleep(2)
    return own(bodies)

predictor.predict_each = slowly
predictor.row_seconds = 0.001  # so large bodies are scored on a thread
"""
LARGE: dict[str, Any] = {"impressions": [{}] * 20}
JSON = "application/json"
SMALL: dict[str, Any] = {"impressions": [{}]}


class Service:
    """A running process."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.port = port

    def ask(self, path: str, body: object = None) -> int:
        """Return the status of an answer, 0 where there is none."""
        try:
            return ask(self.port, path, body, 60)[0]
        except (OSError, http.client.HTTPException):
            return 0

    def until(self, path: str, status: int) -> None:
        """Wait for an answer with a status."""
        deadline = time.monotonic() + 60
        while self.ask(path) != status:
            assert self.process.poll() is None, "the service ended"
            assert time.monotonic() < deadline, f"{path} does not answer {status}"
            time.sleep(0.02)

    def scoring(self) -> None:
        """Wait until a slow request is being scored."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "scoring\n"


@contextmanager
def service(bundle: Path, folder: Path, drain: str) -> Iterator[Service]:
    (folder / "slow.py").write_text(SLOW)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "slow:app", "--app-dir", str(folder),
               "--port", str(port), "--log-level", "warning"]  # fmt: skip
    named = {"CTR_BUNDLE": str(bundle), "CTR_STORE": "memory", "CTR_DRAIN_SECONDS": drain}
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **named},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        made = Service(process, port)
        made.until("/health/ready", 200)
        yield made
    finally:
        process.kill()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM")


def test_readiness_goes_off_first_and_all_that_is_asked_is_answered(
    bundle_path: Path, tmp_path: Path
) -> None:
    with service(bundle_path, tmp_path, "1") as made, ThreadPoolExecutor(1) as pool:
        # longer than the draining: the server has to wait for it
        taken = pool.submit(made.ask, "/predict", LARGE)
        made.scoring()
        made.process.send_signal(signal.SIGTERM)
        made.until("/health/ready", 503)
        assert made.ask("/predict", SMALL) == 200
        assert made.ask("/health/live") == 200
        assert taken.result(60) == 200
        assert made.process.wait(60) == 0


def test_a_second_signal_waits_no_longer(bundle_path: Path, tmp_path: Path) -> None:
    with service(bundle_path, tmp_path, "1000") as made, ThreadPoolExecutor(1) as pool:
        taken = pool.submit(made.ask, "/predict", LARGE)
        made.scoring()
        made.process.send_signal(signal.SIGTERM)
        made.until("/health/ready", 503)
        made.process.send_signal(signal.SIGTERM)
        assert taken.result(60) == 200
        assert made.process.wait(60) == 0


def test_whoever_keeps_a_connection_is_told_to_make_a_new_one(
    bundle_path: Path, tmp_path: Path
) -> None:
    with service(bundle_path, tmp_path, "1000") as made:
        kept = http.client.HTTPConnection("127.0.0.1", made.port, timeout=60)
        for path, body in (("/health", None), ("/predict", json.dumps(SMALL))):
            kept.request("POST" if body else "GET", path, body, {"content-type": JSON})
            before = kept.getresponse()
            before.read()
            assert (before.status, before.getheader("connection")) == (200, None)
        made.process.send_signal(signal.SIGTERM)
        made.until("/health/ready", 503)
        for path, body in (("/predict", json.dumps(SMALL)), ("/health", None)):
            kept.request("POST" if body else "GET", path, body, {"content-type": JSON})
            after = kept.getresponse()
            after.read()
            assert (after.status, after.getheader("connection")) == (200, "close")
        kept.close()
