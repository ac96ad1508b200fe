"""Three times the capacity: who is answered, and how soon the rest are refused.

    python benchmarks/overload.py --seconds 5

The server on one core, the load from another. For each route: its capacity (six in flight), then
in rounds random arrivals at half and at three times of it; the ratio is to the half of the same
round. Waits count from the moments at which requests were due; "late" is how much of a wait went by
before a connection was free, or is the generator's own lag. Wanted: accepted requests within 2.5
times their p99 at half load, at most .1 % refused there.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from exchange import SHED, Load, Request, raw_request, together
from load import arrivals, at_random, capacity, every, in_turn
from rich.console import Console
from rich.table import Table
from served_bundle import make_bundle
from servers import PROTOCOL, keep_off, service, settings
from traffic import feed, scoring

ALIVE = 1
LIVE = raw_request("/health/live", kind=ALIVE)
SOON = 5.0
"""Milliseconds within which a refusal is to come."""


@dataclass(frozen=True)
class Route:
    """What is asked of a server."""

    name: str
    port: int
    requests: list[Request]

    def most(self, seconds: float) -> float:
        """Return its capacity in requests a second."""
        loads = (capacity(self.port, in_turn(self.requests), seconds) for _ in range(2))
        return max(load.of(ok=True).rate for load in loads)

    def arrive(self, seconds: float, rate: float, at_once: int, seed: int) -> Load:
        """Send at random, and beside it ask whether the process lives."""
        due = at_random(in_turn(self.requests), seconds, rate, seed)
        load = arrivals(self.port, due + every(LIVE, seconds, 0.05), at_once)
        assert not load.of(ok=False, kind=ALIVE).asked
        for one in load.of(ok=False).asked:
            assert one.status == SHED, one.answer
            assert b"try again" in one.body, one.answer
        return load


def row(name: str, rate: float, load: Load, half_p99: float) -> list[str]:
    accepted, refused = load.of(ok=True), load.of(ok=False)
    asked = load.kinds({0})
    return [
        name,
        f"{rate:,.0f}",
        f"{asked.rate:,.0f}",
        f"{accepted.rate:,.0f}",
        f"{accepted.wait(50):.1f} / {accepted.wait(99):.1f}",
        f"{accepted.wait(99) / half_p99:.2f}",
        f"{asked.share(SHED):.2%}",
        f"{refused.wait(50):.1f} / {refused.wait(99):.1f}",
        f"{load.of(ok=True, kind=ALIVE).wait(99):.1f}",
        f"{load.late(99):.1f}",
    ]


def measure(console: Console, route: Route, seconds: float, at_once: int, rounds: int) -> None:
    most = route.most(seconds)
    table = Table(
        "load", "drawn/s", "sent/s", "accepted/s", "p50 / p99 ms", "of p99 at half",
        "refused", "refused p50 / p99 ms", "live p99", "late p99",
        title=f"{route.name}: capacity {most:,.0f} requests/s",
    )  # fmt: skip
    halves, fulls = [], []
    for number in range(rounds):
        halves.append(route.arrive(seconds, most / 2, at_once, number))
        half_p99 = halves[-1].of(ok=True).wait(99)
        table.add_row(*row("half", most / 2, halves[-1], half_p99))
        fulls.append(route.arrive(seconds, most * 3, at_once, number))
        table.add_row(*row("three times", most * 3, fulls[-1], half_p99), end_section=True)
    half, full = together(halves), together(fulls)
    half_p99 = half.of(ok=True).wait(99)
    table.add_row(*row("half, all", most / 2, half, half_p99))
    table.add_row(*row("three times, all", most * 3, full, half_p99))
    console.print(table)
    refused = full.of(ok=False)
    waits = [one.wait for one in refused.asked]
    if waits:
        soon = np.mean(np.array(waits) < SOON)
        console.print(f"refusals at three times: p50 {refused.wait(50):.1f} ms, p99 "
                      f"{refused.wait(99):.1f} ms, {soon:.1%} within {SOON:g} ms")  # fmt: skip


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
    keep_off(chosen.core)
    console = Console(width=140)
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle or make_bundle(Path(folder))
        with service(chosen.core, settings(bundle), chosen.http) as running:
            feed(running.port)
            for count in chosen.candidates:
                name = "/predict, 1 row" if count == 1 else f"/rank, {count} rows"
                route = Route(name, running.port, scoring(count))
                measure(console, route, chosen.seconds, chosen.connections, chosen.rounds)


if __name__ == "__main__":
    main()
