"""Reloading under load: what the requests of those moments wait.

    python benchmarks/reload.py

The server on one core, random arrivals at half of its capacity from another; meanwhile the bundle
(30 vocabularies of 100,000 values) is reloaded again and again. No request may fail.
"""

import argparse
import tempfile
from pathlib import Path

from contestants import AT_ONCE
from exchange import Load, Request
from load import arrivals, at_random, capacity, every, in_turn
from rich.console import Console
from rich.table import Table
from served_bundle import make_bundle
from servers import keep_off, service, settings
from traffic import scoring

TOKEN = "benchmark"  # noqa: S105
RELOADS, SECONDS_BETWEEN = 1, 1.0
RELOAD = Request(
    b"POST /model/reload HTTP/1.1\r\nhost: x\r\nauthorization: Bearer benchmark\r\n"
    b"content-length: 0\r\n\r\n",
    RELOADS,
)


def measure(port: int, requests: list[Request], seconds: float, rate: float) -> tuple[Load, Load]:
    """Return the load without reloads, then with them."""
    due = at_random(in_turn(requests), seconds, rate)
    reloads = every(RELOAD, seconds, SECONDS_BETWEEN)
    return arrivals(port, due, AT_ONCE), arrivals(port, due + reloads, AT_ONCE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, help="made before, and kept")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--core", type=int, default=0)
    chosen = parser.parse_args()
    keep_off(chosen.core)
    table = Table("load", "answered", "refused", "p50 ms", "p99 ms", "longest ms")
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle or make_bundle(Path(folder))
        environment = settings(bundle) | {"CTR_RELOAD_TOKEN": TOKEN}
        with service(chosen.core, environment) as running:
            asked = scoring(1)
            rate = capacity(running.port, in_turn(asked), 3.0).of(ok=True).rate / 2
            before, during = measure(running.port, asked, chosen.seconds, rate)
    assert not before.failed.asked
    assert not during.failed.asked
    took = [one.wait / 1e3 for one in during.of(ok=True, kind=RELOADS).asked]
    assert not during.of(ok=False, kind=RELOADS).asked
    for name, load in [("without", before), (f"{len(took)} reloads", during)]:
        accepted, refused = load.of(ok=True), load.of(ok=False)
        counts = (str(len(accepted.asked)), str(len(refused.asked)))
        table.add_row(name, *counts, *(f"{accepted.wait(share):.1f}" for share in (50, 99, 100)))
    console = Console(width=110)
    console.print(table)
    console.print(f"a reload took {min(took):.2f} to {max(took):.2f} s at {rate:,.0f} requests/s")


if __name__ == "__main__":
    main()
