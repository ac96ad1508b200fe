"""Three times the capacity: who is answered, and how soon the rest are refused.

    python benchmarks/overload.py --seconds 5

The server on one core, the load from another. For each route: its capacity (eight in flight), then
in rounds random arrivals at half and at three times of it; the ratio is to the half of the same
round. Waits count from the moment at which a request is sent; "late" is how much later than drawn
that was, which is the generator's own lag. `--http h11` is uvicorn's own protocol.
Wanted: accepted requests within twice their p99 at half load, the others refused within 5 ms.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from load import OK, Connection, arrivals, capacity, connections_to, raw_request
from rich.console import Console
from rich.table import Table
from served_bundle import make_bundle
from service import HERE, bodies, feed, server

SHED = b"HTTP/1.1 503"
LIVE = raw_request("/health/live")


@dataclass
class Waits:
    """In ms: of the accepted, of the refused, of the question whether the process lives."""

    seconds: float = 0.0
    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    live: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)


async def _timed(connection: Connection, request: bytes) -> tuple[bytes, float]:
    start = time.perf_counter()
    answer = await connection.ask(request, any_status=True)
    return answer, (time.perf_counter() - start) * 1e3


async def _ask_whether_it_lives(port: int, waits: list[float]) -> None:
    (connection,) = await connections_to(port, 1)
    while True:
        answer, wait = await _timed(connection, LIVE)
        assert answer.startswith(OK)
        waits.append(wait)
        await asyncio.sleep(0.05)


async def arrive(
    port: int, requests: Sequence[bytes], seconds: float, rate: float, at_once: int
) -> Waits:
    """Take the waits of random arrivals, and beside them whether the process lives."""
    waits = Waits()

    async def ask(connection: Connection, request: bytes, due: float) -> None:
        waits.late.append((time.perf_counter() - due) * 1e3)
        answer, wait = await _timed(connection, request)
        assert answer.startswith((OK, SHED)), answer[:300]
        (waits.accepted if answer.startswith(OK) else waits.refused).append(wait)

    living = asyncio.create_task(_ask_whether_it_lives(port, waits.live))
    waits.seconds = await arrivals(port, requests, seconds, rate, at_once, ask)
    living.cancel()
    return waits


def at(waits: list[float], share: float) -> str:
    return f"{np.percentile(waits, share):.1f}" if waits else "-"


def row(load: str, rate: float, waits: Waits, half_p99: float) -> list[str]:
    ratio = float(np.percentile(waits.accepted, 99)) / half_p99
    soon = np.mean(np.array(waits.refused) < 5) if waits.refused else np.nan
    return [
        load,
        f"{rate:,.0f}",
        f"{(len(waits.accepted) + len(waits.refused)) / waits.seconds:,.0f}",
        f"{len(waits.accepted) / waits.seconds:,.0f}",
        f"{at(waits.accepted, 50)} / {at(waits.accepted, 99)}",
        f"{ratio:.2f}",
        f"{at(waits.refused, 50)} / {at(waits.refused, 99)}",
        f"{soon:.1%}",
        at(waits.live, 99),
        at(waits.late, 99),
    ]


def measure(
    port: int, name: str, requests: list[bytes], seconds: float, at_once: int, rounds: int
) -> Table:
    most = max(capacity(port, requests, seconds).rate for _ in range(2))
    table = Table(
        "load", "drawn/s", "sent/s", "accepted/s", "p50 / p99 ms", "of p99 at half",
        "refused p50 / p99 ms", "in 5 ms", "live p99", "late p99",
        title=f"{name}: capacity {most:,.0f} requests/s",
    )  # fmt: skip
    for _ in range(rounds):
        half = asyncio.run(arrive(port, requests, seconds, most / 2, at_once))
        half_p99 = float(np.percentile(half.accepted, 99))
        table.add_row(*row("half", most / 2, half, half_p99))
        full = asyncio.run(arrive(port, requests, seconds, most * 3, at_once))
        table.add_row(*row("three times", most * 3, full, half_p99), end_section=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, help="made before, and kept")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--candidates", type=int, nargs="+", default=[1, 100, 500])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--http", default="clickthrough.serving.protocol:Shedding")
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
