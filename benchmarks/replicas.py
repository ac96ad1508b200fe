"""How many pods for how much traffic: what one answers in time, and what that makes.

    python benchmarks/replicas.py --bundle models --target-ms 50 --traffic 500 2000 10000

A pod is one process on one core; the load comes from the other. Requests of the bundle's own log
arrive at random, one in ten of them events, at rising shares of the capacity (six in flight); the
highest rate at which 99 of 100 are answered within the target, and at most .1 % are refused, in all
rounds together, is what a pod is good for. Pods for stated traffic leave it a third of room: for
what is not even, and for the pods that are being replaced. "in flight" is how many callers wait on
average at that rate (Little's law): a little more than the gauge that the autoscaler may follow.
The bundle's log must lie where it was. `--store redis://127.0.0.1:6379` measures over a Redis that
runs there.
"""

import argparse
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo_traffic import DemoTraffic
from exchange import SHED, Load, Request, together
from load import arrivals, at_random, capacity
from rich.console import Console
from rich.table import Table
from servers import keep_off, service, settings
from traffic import Mix

SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MOST_REFUSED = 0.001
ROOM = 2 / 3
"""Of what a pod is good for, what it is planned with."""


@dataclass(frozen=True)
class Step:
    """What happened at one rate.

    Attributes:
        rate: requests a second that were drawn.
        load: the requests.
    """

    rate: float
    load: Load

    @property
    def refused(self) -> float:
        """Which part of the requests to score was turned away."""
        return self.load.kinds({0}).share(SHED)

    @property
    def in_flight(self) -> float:
        """How many requests to score were on their way on average."""
        return sum(one.wait for one in self.load.kinds({0}).asked) / 1e3 / self.load.seconds

    def holds(self, target: float) -> bool:
        """Say whether it was answered in time."""
        return self.load.of(ok=True).wait(99) <= target and self.refused <= MOST_REFUSED

    def row(self, target: float) -> list[str]:
        answered = self.load.of(ok=True)
        waits = f"{answered.wait(50):.1f} / {answered.wait(99):.1f}"
        told = "yes" if self.holds(target) else "no"
        return [f"{self.rate:,.0f}", waits, f"{self.refused:.2%}", f"{self.in_flight:.2f}", told]


def steps(port: int, asked: Iterable[Request], seconds: float, rounds: int) -> list[Step]:
    """Measure rising rates."""
    most = max(capacity(port, asked, seconds).rate for _ in range(2))
    made = []
    for rate in (most * share for share in SHARES):
        drawn = (at_random(asked, seconds, rate, seed) for seed in range(rounds))
        loads = [arrivals(port, due, 256) for due in drawn]
        made.append(Step(rate, together(loads)))
    return made


def best(made: Sequence[Step], target: float) -> Step | None:
    """Return the highest rate up to which all hold."""
    found = None
    for one in made:
        if not one.holds(target):
            break
        found = one
    return found


def pods(rate: float, traffic: int) -> int:
    """Return how many pods stated traffic takes; never one alone."""
    return max(2, math.ceil(traffic / (rate * ROOM)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, default=Path("models"))
    parser.add_argument("--store", default="memory")
    parser.add_argument("--target-ms", type=float, default=50.0)
    parser.add_argument("--traffic", type=int, nargs="+", default=[500, 2_000, 10_000])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--core", type=int, default=0)
    chosen = parser.parse_args()
    keep_off(chosen.core)
    console, traffic = Console(width=110), DemoTraffic(chosen.bundle)
    mean, displays = traffic.rank()
    asked = {
        "/predict, 1 row": traffic.predict(),
        f"/rank, mean {mean:.1f}": displays,
        "/rank, 100 candidates": traffic.rank_of(100),
    }
    heads = [f"pods at {one:,}/s" for one in chosen.traffic]
    plan = Table("one in ten are events", "requests/s a pod", "in flight", *heads)
    with service(chosen.core, settings(chosen.bundle, chosen.store)) as running:
        for name, some in asked.items():
            made = steps(
                running.port, Mix(some, traffic.events(), 1), chosen.seconds, chosen.rounds
            )
            table = Table(
                "requests/s", "p50 / p99 ms", "refused", "in flight", "in time", title=name
            )
            for one in made:
                table.add_row(*one.row(chosen.target_ms))
            console.print(table)
            found = best(made, chosen.target_ms)
            if found is None:
                plan.add_row(name, f"none within {chosen.target_ms:g} ms")
                continue
            counts = [str(pods(found.rate, one)) for one in chosen.traffic]
            plan.add_row(name, f"{found.rate:,.0f}", f"{found.in_flight:.1f}", *counts)
    console.print(plan)


if __name__ == "__main__":
    main()
