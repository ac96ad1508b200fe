"""The real service as a process of its own, started in each of the ways it is documented."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.asking import ask
from tests.conftest import ROOT
from tests.ports import free_port
from tests.serving.hostile.client import HOST, SECONDS

DEADLINE = 0.75
"""Seconds, of each of the service's deadlines here."""
BY_THEN = DEADLINE + 5.0
"""Seconds by which a connection over its deadline is gone, even where the machine is busy."""
SLOW = 20.0
"""Seconds that a service waits for a body where a test must see that it does not."""
AGAIN = 3.0
"""Seconds for which an ordinary caller tries again: an attack may be a load, not a lasting one."""
MOST_CONNECTIONS = 150
LIMITS = {
    "CTR_HEAD_SECONDS": str(DEADLINE),
    "CTR_BODY_SECONDS": str(DEADLINE),
    "CTR_WRITE_SECONDS": str(DEADLINE),
    "CTR_IDLE_SECONDS": str(2 * DEADLINE),
    "CTR_MAX_CONNECTIONS": str(MOST_CONNECTIONS),
    "CTR_MAX_EVENTS_WAIT": "1",
    "CTR_DRAIN_SECONDS": "0",
    # by default so large; the bundle of the tests sets less
    "CTR_MAX_IN_FLIGHT": "64",
    "CTR_MAX_BODY_BYTES": "1000000",
    "CTR_MAX_EVENTS_BYTES": "2000000",
    "CTR_MAX_IMPRESSIONS": "2000",
}
_SPARE = 4
"""Files that may be open beside: a connection that is just being asked, a thread's own."""
ROW = {"ad": 101, "uuid": "u1", "platform": "mobile", "price": 1.0}
ORDINARY: dict[str, object] = {
    "/predict": {"impressions": [ROW]},
    "/rank": {"context": {"uuid": "u1"}, "candidates": [{"ad": ad} for ad in range(100, 120)]},
    "/events": {"events": [{"type": "impression", "display_id": "r1", **ROW}]},
}
"""An ordinary body of each hot route."""
BIG_RANK: dict[str, object] = {
    "context": {"uuid": "u1"},
    "candidates": [{"ad": ad} for ad in range(300)],
}
"""A body that is answered at length."""
COMMANDS = {
    "serve": ["clickthrough", "serve", "BUNDLE", "--port", "PORT"],
    "uvicorn": ["uvicorn", "app:app", "--host", HOST, "--port", "PORT"],
    # as SageMaker starts an image; all else comes from the environment
    "sagemaker": ["clickthrough", "serve"],
    # docs/original.md
    "reload": ["uvicorn", "app:app", "--host", "0.0.0.0", "--port", "PORT", "--reload"],  # noqa: S104
    "fallback": [
        "uvicorn", "app:app", "--host", HOST, "--port", "PORT", "--loop", "asyncio",
        "--http", "clickthrough.serving.connections:GuardedH11",
    ],
}  # fmt: skip
"""How each is started; ``fallback`` is what serves where uvloop and httptools do not build."""


class Server:
    """A running service."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log
        self.files = 0.0

    def settle(self) -> None:
        """Remember how many files are open while nobody attacks."""
        self.files = self.gauge("process_open_fds")

    def drops_all(self, seconds: float = BY_THEN) -> bool:
        """Say whether within some seconds it holds no more connections than before."""
        deadline = time.monotonic() + seconds
        while self.gauge("process_open_fds") > self.files + _SPARE:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def comes_to_rest(self, seconds: float = 30.0) -> bool:
        """Say whether within some seconds nobody holds a place."""
        deadline = time.monotonic() + seconds
        while self.gauge("ctr_in_flight"):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def ask(self, path: str, body: object = None) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        return ask(self.port, path, body, SECONDS)

    def works(self, rounds: int = 3) -> None:
        """Ask everything that an ordinary caller asks; all of it is answered, and health soon."""
        for _ in range(rounds):
            began = time.monotonic()
            assert self.ask("/health/live")[0] == 200
            for path, body in ORDINARY.items():
                status, said = self.ask(path, body)
                while status == 503 and time.monotonic() - began < AGAIN:  # as it asks for
                    time.sleep(0.05)
                    status, said = self.ask(path, body)
                assert status == 200, (path, said[:300])

    def gauge(self, name: str) -> float:
        """Return the sum of a metric over its labels."""
        text = self.ask("/metrics")[1].decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M))

    def said(self) -> str:
        """Return what it has logged."""
        return self.log.read_text(errors="replace")

    def until_ready(self) -> None:
        """Wait until it takes requests."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.said()
            try:
                if self.ask("/health/ready")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"not ready: {self.said()}")


@contextmanager
def serving(
    kind: str, bundle: Path, folder: Path, env: Mapping[str, str] | None = None, files: int = 0
) -> Iterator[Server]:
    """Run a service until the end of the block.

    Args:
        kind: of :data:`COMMANDS`.
        bundle: what it serves.
        folder: where its log is written.
        env: variables beside, or instead of, those of :data:`LIMITS`.
        files: the limit of its open files; by default the one of this process.
    """
    port, log = free_port(), folder / f"{kind}.log"
    said = {**LIMITS, "CTR_BUNDLE": str(bundle), "CTR_PORT": str(port), **(env or {})}
    process = start(kind, port, log, said, files)
    try:
        made = Server(process, port, log)
        made.until_ready()
        yield made
    finally:
        end(process)


def start(
    kind: str, port: int, log: Path, env: Mapping[str, str], files: int = 0
) -> "subprocess.Popen[bytes]":
    """Start a service."""
    places = {"PORT": str(port), "BUNDLE": env.get("CTR_BUNDLE", "models")}
    command = [sys.executable, "-m", *(places.get(part, part) for part in COMMANDS[kind])]
    if files:
        command = ["/bin/sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *command]
    base = {k: v for k, v in os.environ.items() if not k.startswith("CTR_")}
    with log.open("wb") as out:
        return subprocess.Popen(
            command, cwd=env.get("PLACE", ROOT), stdout=out, stderr=out, start_new_session=True,
            env={**base, "PYTHONPATH": str(ROOT), "CTR_STORE": "memory", **env},
        )  # fmt: skip


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a service, and the processes it started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)  # a supervisor ends its own
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # a group of its own: see start_new_session
            process.wait(30)
