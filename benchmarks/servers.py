"""Servers for the benchmarks: uvicorn on one core, the load from the others."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from exchange import raw_request

HERE = Path(__file__).resolve().parent
PROTOCOL = "clickthrough.serving.connections:GuardedProtocol"
"""What ``clickthrough serve`` runs under, on uvloop."""


@dataclass(frozen=True)
class Running:
    """A server that is ready.

    Attributes:
        process: its number.
        ready: seconds from its start until it said so.
    """

    port: int
    process: int
    ready: float

    @property
    def resident(self) -> int:
        """Bytes of its memory that are resident."""
        lines = Path(f"/proc/{self.process}/status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1_024


def keep_off(core: int) -> None:
    """Leave a core to the server."""
    os.sched_setaffinity(0, set(range(os.cpu_count() or 2)) - {core})


def settings(bundle: Path, store: str | Path = "memory") -> dict[str, str]:
    """Return what the environment tells a service of the benchmarks."""
    return {"CTR_BUNDLE": str(bundle), "CTR_STORE": str(store), "CTR_DRAIN_SECONDS": "0"}


@contextmanager
def service(
    core: int | None, environment: dict[str, str], http: str = PROTOCOL
) -> Iterator[Running]:
    """Run the service as ``clickthrough serve`` does."""
    with server("app:app", HERE.parent, core, environment, http) as running:
        yield running


@contextmanager
def server(
    module: str,
    folder: Path,
    core: int | None,
    environment: dict[str, str],
    http: str = "httptools",
    loop: str = "uvloop",
) -> Iterator[Running]:
    """Run an application under uvicorn, on one core if named."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", module, "--app-dir", str(folder), "--http", http,
               "--loop", loop, "--port", str(port), "--no-access-log",
               "--log-level", "warning"]  # fmt: skip
    with started(command, core, "/health/ready", port, environment) as running:
        yield running


@contextmanager
def older(folder: Path, core: int, environment: dict[str, str], http: str) -> Iterator[Running]:
    """Run the service of an older checkout, as it ran then: on asyncio's own loop."""
    there = {**environment, "PYTHONPATH": str(folder)}
    with server("app:app", folder, core, there, http, "asyncio") as running:
        yield running


def older_bundle(folder: Path, place: Path) -> Path:
    """Return a bundle that an older checkout makes for itself."""
    code = "import sys, pathlib, served_bundle as s; s.make_bundle(pathlib.Path(sys.argv[1]))"
    path = os.pathsep.join([str(folder), str(folder / "benchmarks")])
    command = [sys.executable, "-c", code, str(place.resolve())]
    there = {**os.environ, "PYTHONPATH": path}
    subprocess.run(command, env=there, cwd=folder, check=True)  # noqa: S603
    return place / "bundle"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def started(
    command: list[str], core: int | None, ready: str, port: int, environment: dict[str, str]
) -> Iterator[Running]:
    """Run a server, on one core if named, until the block ends."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603
        [*pinned, *command], env={**os.environ, **environment}, start_new_session=True
    )
    try:
        while not _answers(port, raw_request(ready).raw):
            assert process.poll() is None, f"{command} ended"
            time.sleep(0.005)
        yield Running(port, process.pid, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # LitServe leaves processes of its own


def _answers(port: int, ready: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(ready)
            return b" 200 " in connection.recv(100)
    except OSError:
        return False
