"""Reloading under load: what the requests of those moments wait.

    python benchmarks/reload.py

The server on one core, random arrivals at half of its capacity from another; meanwhile the bundle
(30 vocabularies of 100,000 values) is reloaded again and again. No request may fail.
"""

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from load import OK, capacity, connections_to, raw_request
from overload import Waits, arrive, at
from rich.console import Console
from rich.table import Table
from served_bundle import make_bundle
from service import HERE, bodies, server

TOKEN = "benchmark"  # noqa: S105
RELOAD = (
    b"POST /model/reload HTTP/1.1\r\nhost: x\r\nauthorization: Bearer benchmark\r\n"
    b"content-length: 0\r\n\r\n"
)


async def reloading(port: int, took: list[float]) -> None:
    (connection,) = await connections_to(port, 1)
    while True:
        start = time.perf_counter()
        answer = await connection.ask(RELOAD)
        assert answer.startswith(OK)
        took.append(time.perf_counter() - start)
        await asyncio.sleep(0.5)


async def measure(
    port: int, requests: list[bytes], seconds: float, rate: float
) -> tuple[Waits, Waits, list[float]]:
    before = await arrive(port, requests, seconds, rate, 64)
    took: list[float] = []
    task = asyncio.create_task(reloading(port, took))
    during = await arrive(port, requests, seconds, rate, 64)
    task.cancel()
    return before, during, took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, help="made before, and kept")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--core", type=int, default=0)
    chosen = parser.parse_args()
    os.sched_setaffinity(0, set(range(os.cpu_count() or 2)) - {chosen.core})
    table = Table("load", "answered", "refused", "p50 ms", "p99 ms", "longest ms")
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle or make_bundle(Path(folder))
        settings = {"CTR_BUNDLE": str(bundle), "CTR_STORE": "memory", "CTR_DRAIN_SECONDS": "0",
                    "CTR_RELOAD_TOKEN": TOKEN}  # fmt: skip
        with server("app:app", HERE.parent, chosen.core, **settings) as (port, _):
            asked = [raw_request("/predict", body) for body in bodies(1)]
            rate = capacity(port, asked, 3.0).rate / 2
            before, during, took = asyncio.run(measure(port, asked, chosen.seconds, rate))
    for name, waits in [("without", before), (f"{len(took)} reloads", during)]:
        counts = (str(len(waits.accepted)), str(len(waits.refused)))
        table.add_row(name, *counts, *(at(waits.accepted, share) for share in (50, 99, 100)))
    console = Console(width=110)
    console.print(table)
    console.print(f"a reload took {min(took):.2f} to {max(took):.2f} s at {rate:,.0f} requests/s")


if __name__ == "__main__":
    main()
