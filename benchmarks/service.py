"""The service over HTTP: one core for the server, the load from another.

    python benchmarks/service.py --seconds 4

Requests a second with six in flight, then the waits at half of that with random arrivals, beside
an empty FastAPI route under the same uvicorn; the service has its own protocol in it, as
``clickthrough serve`` has, and once more uvicorn's. Every figure is the best of several rounds in
turn; the last column is the ratio to the empty route in the same rounds. ``--litserve`` names a
Python that has LitServe (see service_litserve.py): the model's graph alone, on encoded inputs.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from load import Load, arrivals, at_random, capacity, raw_request
from rich.console import Console
from rich.table import Table
from served_bundle import Requests, make_bundle, random_inputs

from clickthrough.bundle import load_bundle

HERE = Path(__file__).resolve().parent
LIKELY, EVENTS = 200, 4_000
PROTOCOL = "clickthrough.serving.protocol:PlainProtocol"
AT_ONCE = 64


@dataclass
class Contestant:
    """A route of a running server, and what was measured of it."""

    name: str
    port: int
    requests: list[bytes]
    full: list[Load] = field(default_factory=list)
    half: list[Load] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return max(load.of(ok=True).rate for load in self.full)

    def wait(self, share: float) -> float:
        return min(load.of(ok=True).wait(share) for load in self.half)


@contextmanager
def server(
    module: str, folder: Path, core: int | None, **environment: str
) -> Iterator[tuple[int, float]]:
    """Run uvicorn, on one core if named; give its port, and the seconds until it is ready."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", module, "--app-dir", str(folder),
               "--port", str(port), "--no-access-log", "--log-level", "warning"]  # fmt: skip
    with running(command, core, raw_request("/health/ready"), port, environment) as seconds:
        yield port, seconds


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(
    command: list[str], core: int | None, ready: bytes, port: int, environment: dict[str, str]
) -> Iterator[float]:
    """Run a server, on one core if named; give the seconds until it answers that it is ready."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603
        [*pinned, *command], env={**os.environ, **environment}, start_new_session=True
    )
    try:
        while not _answers(port, ready):
            assert process.poll() is None, f"{command} ended"
            time.sleep(0.005)
        yield time.perf_counter() - began
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


def feed(port: int) -> None:
    """Count events before the load."""
    events = Requests(seed=9, skew=3.0).events(EVENTS)
    for start in range(0, len(events), 1_000):
        body = json.dumps({"events": events[start : start + 1_000]}).encode()
        capacity(port, [raw_request("/events", body)], 0.0001, 1)


def bodies(rows: int) -> list[bytes]:
    """Return bodies of /predict with one impression, or of /rank with candidates."""
    made = Requests(seed=rows)
    if rows == 1:
        asked: list[object] = [{"impressions": [made.impression()]} for _ in range(LIKELY)]
    else:
        several = (made.request(rows) for _ in range(LIKELY))
        asked = [{"context": context, "candidates": candidates} for context, candidates in several]
    return [json.dumps(body, separators=(",", ":")).encode() for body in asked]


def contestants(name: str, port: int, candidates: list[int]) -> list[Contestant]:
    """Return what is asked of the service."""
    asked = [raw_request("/predict", b) for b in bodies(1)]
    made = [Contestant(f"/predict, 1 row{name}", port, asked)]
    for count in candidates:
        asked = [raw_request("/rank", body) for body in bodies(count)]
        made.append(Contestant(f"/rank, {count} candidates{name}", port, asked))
    return made


@contextmanager
def litserve(
    python: str | None, bundle: Path, core: int, candidates: list[int]
) -> Iterator[list[Contestant]]:
    """Run LitServe; give what is asked of it: the same rows, encoded."""
    if python is None:
        yield []
        return
    port, encoder = free_port(), load_bundle(bundle).encoder
    script = str(HERE / "service_litserve.py")
    command = [python, script, str(bundle / "ctr_model.onnx"), str(port)]
    with running(command, core, raw_request("/health"), port, {}):
        made = []
        for rows in (1, *candidates):
            inputs = (random_inputs(encoder, rows) for _ in range(LIKELY))
            asked = [
                json.dumps({"ids": one.ids.tolist(), "numeric": one.numeric.tolist()}).encode()
                for one in inputs
            ]
            requests = [raw_request("/predict", body) for body in asked]
            made.append(Contestant(f"LitServe, {rows} encoded", port, requests))
        yield made


def shown(measured: list[Contestant]) -> Table:
    table = Table(
        "route",
        "requests/s",
        "p50 ms at half",
        "p99 ms at half",
        "refused at half",
        "of the empty route",
    )
    for one in measured:
        pairs = zip(one.full, measured[0].full, strict=True)
        share = sorted(own.of(ok=True).rate / empty.rate for own, empty in pairs)[
            len(one.full) // 2
        ]
        said = [f"{one.rate:,.0f}", f"{one.wait(50):.2f}", f"{one.wait(99):.2f}"]
        asked = sum(len(load.asked) for load in one.half)
        refused = 1 - sum(len(load.of(ok=True).asked) for load in one.half) / asked
        said += [f"{refused:.2%}", f"{share:.2f}"]
        table.add_row(one.name, *said)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, help="made before, and kept")
    parser.add_argument("--store", default="memory", help="memory or SQLite")
    parser.add_argument("--runtime", default="onnx")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--candidates", type=int, nargs="+", default=[100])
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--litserve", help="a Python that has LitServe")
    chosen = parser.parse_args()
    os.sched_setaffinity(0, set(range(os.cpu_count() or 2)) - {chosen.core})
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle or make_bundle(Path(folder))
        store = "memory" if chosen.store == "memory" else f"{folder}/store.sqlite"
        settings = {"CTR_BUNDLE": str(bundle), "CTR_STORE": store, "CTR_RUNTIME": chosen.runtime}
        own = {**settings, "UVICORN_HTTP": PROTOCOL}
        with (
            server("empty:app", HERE, chosen.core) as (empty, _),
            server("app:app", HERE.parent, chosen.core, **own) as (port, ready),
            server("app:app", HERE.parent, chosen.core, **settings) as (under_h11, _),
            litserve(chosen.litserve, bundle, chosen.core, chosen.candidates) as rivals,
        ):
            feed(port)
            feed(under_h11)
            measured = [
                Contestant("empty FastAPI route", empty, [raw_request("/empty")]),
                *contestants("", port, chosen.candidates),
                *contestants(", h11", under_h11, chosen.candidates),
                *rivals,
            ]
            for _ in range(chosen.rounds):
                for one in measured:
                    one.full.append(capacity(one.port, one.requests, chosen.seconds))
            for _ in range(chosen.rounds):
                for one in measured:
                    due = at_random(one.requests, chosen.seconds, one.rate / 2)
                    one.half.append(arrivals(one.port, due, AT_ONCE))
            console = Console(width=110)
            console.print(shown(measured))
            console.print(f"start to ready: {ready:.2f} s")


if __name__ == "__main__":
    main()
