"""Three times the capacity: who is answered, and how soon the rest are refused.

    python benchmarks/overload.py --seconds 5

The server on one core, the load from another. For each route: its capacity (six in flight), then
in rounds random arrivals at half and at three times of it; the ratio is to the half of the same
round. Waits count from the moments at which requests were due; "late" is how much of a wait went by
before a connection was free, or is the generator's own lag. `--http h11` is uvicorn's own protocol.
Wanted: accepted requests within twice their p99 at half load, the others refused within 5 ms.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from load import Load, arrivals, at_random, capacity, every, raw_request
from rich.console import Console
from rich.table import Table
from served_bundle import make_bundle
from service import HERE, PROTOCOL, bodies, feed, server

SHED = b"HTTP/1.1 503"
LIVE, ALIVE = raw_request("/health/live"), 1
SOON = 5.0
"""Milliseconds within which a refusal is to come."""


def arrive(port: int, requests: Sequence[bytes], seconds: float, rate: float, at_once: int) -> Load:
    """Send at random, and beside it ask whether the process lives."""
    due = at_random(requests, seconds, rate)
    load = arrivals(port, due + every(LIVE, seconds, 0.05, ALIVE), at_once)
    assert not load.of(ok=False, kind=ALIVE).asked
    assert all(one.answer.startswith(SHED) for one in load.of(ok=False).asked)
    return load


def row(name: str, rate: float, load: Load, half_p99: float) -> list[str]:
    accepted, refused = load.of(ok=True), load.of(ok=False)
    soon = [one.wait < SOON for one in refused.asked]
    return [
        name,
        f"{rate:,.0f}",
        f"{accepted.rate + refused.rate:,.0f}",
        f"{accepted.rate:,.0f}",
        f"{accepted.wait(50):.1f} / {accepted.wait(99):.1f}",
        f"{accepted.wait(99) / half_p99:.2f}",
        f"{refused.wait(50):.1f} / {refused.wait(99):.1f}",
        f"{np.mean(soon):.1%}" if soon else "-",
        f"{load.of(ok=True, kind=ALIVE).wait(99):.1f}",
        f"{load.late(99):.1f}",
    ]


def measure(
    port: int, name: str, requests: list[bytes], seconds: float, at_once: int, rounds: int
) -> Table:
    most = max(capacity(port, requests, seconds).of(ok=True).rate for _ in range(2))
    table = Table(
        "load", "drawn/s", "sent/s", "accepted/s", "p50 / p99 ms", "of p99 at half",
        "refused p50 / p99 ms", "in 5 ms", "live p99", "late p99",
        title=f"{name}: capacity {most:,.0f} requests/s",
    )  # fmt: skip
    for _ in range(rounds):
        half = arrive(port, requests, seconds, most / 2, at_once)
        half_p99 = half.of(ok=True).wait(99)
        table.add_row(*row("half", most / 2, half, half_p99))
        full = arrive(port, requests, seconds, most * 3, at_once)
        table.add_row(*row("three times", most * 3, full, half_p99), end_section=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, help="made before, and kept")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--candidates", type=int, nargs="+", default=[1, 100, 500])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--http", default=PROTOCOL)
    parser.add_argument("--core", type=int, default=0)
    chosen = parser.parse_args()
    os.sched_setaffinity(0, set(range(os.cpu_count() or 2)) - {chosen.core})
    console = Console(width=130)
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle or make_bundle(Path(folder))
        settings = {"CTR_BUNDLE": str(bundle), "CTR_STORE": "memory", "CTR_DRAIN_SECONDS": "0"}
        settings["UVICORN_HTTP"] = chosen.http
        with server("app:app", HERE.parent, chosen.core, **settings) as (port, _):
            feed(port)
            for count in chosen.candidates:
                route = "/predict" if count == 1 else "/rank"
                asked = [raw_request(route, body) for body in bodies(count)]
                name = f"{route}, {count} row{'s' * (count > 1)}"
                console.print(
                    measure(port, name, asked, chosen.seconds, chosen.connections, chosen.rounds)
                )


if __name__ == "__main__":
    main()
