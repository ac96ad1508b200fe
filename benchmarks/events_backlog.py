"""A backlog of events beside scoring: what /rank waits meanwhile.

    python benchmarks/events_backlog.py --events 200_000 --rounds 3

The server on one core, random arrivals of /rank of 100 candidates at half of its capacity from
another: first alone, then beside a sender that pushes events in bodies of 100, each as soon as one
before it is acknowledged. A round ends with the backlog, or when its time is over. What is refused
is sent again; every event must be acknowledged, and counted once. Wanted: p99 at most 1.5 times
that without the backlog, at most .1 % refused.
"""

import argparse
import json
import tempfile
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

from exchange import OK, SHED, Load, Request, together
from load import Backlog, arrivals, at_random, beside, capacity, in_turn
from rich.console import Console
from rich.table import Table
from served_bundle import make_bundle
from servers import keep_off, service, settings
from traffic import Events, feed, scoring, synthetic_events

IN_BODY, AT_ONCE, LONGEST = 100, 64, 150.0


@dataclass
class Round:
    """What /rank waited alone and beside a backlog, and what became of the events."""

    alone: Load
    during: Load
    backlog: Backlog

    @property
    def counted(self) -> Counter[str]:
        """What the receipts say."""
        said: Counter[str] = Counter()
        for one in self.backlog.done:
            if one.ok:
                told = json.loads(one.body)
                said.update({kind: told[kind] for kind in told if kind != "durability"})
        return said

    @property
    def acknowledged(self) -> int:
        """Events in the bodies that were acknowledged."""
        return IN_BODY * sum(one.ok for one in self.backlog.done)

    def check(self, events: int) -> None:
        """Refuse a loss, a repeat, and a round that came to no end."""
        strange = {one.status for one in self.backlog.done} - {OK, SHED}
        assert not strange, f"answers to events: {strange}"
        assert not self.during.failed.asked, "a request failed"
        said = self.counted
        assert said["impressions"] + said["clicks"] == self.acknowledged, said
        assert sum(said.values()) == self.acknowledged, said
        if self.acknowledged != events:
            print(f"the time was over: {self.acknowledged:,} of {events:,} events acknowledged")


def measure(
    port: int, requests: list[Request], rate: float, told: Events, chosen: argparse.Namespace
) -> Round:
    bodies = deque(told.request(IN_BODY) for _ in range(chosen.events // IN_BODY))
    asked = in_turn(requests)
    alone = arrivals(port, at_random(asked, chosen.seconds, rate), AT_ONCE)
    backlog = Backlog(bodies, chosen.senders)
    during = beside(port, at_random(asked, LONGEST, rate), AT_ONCE, backlog)
    return Round(alone, during, backlog)


def row(store: str, rate: float, rounds: list[Round]) -> list[str]:
    """Return a row of the table, of one round or of several together."""
    alone, during = (
        together(loads) for loads in ([one.alone for one in rounds], [one.during for one in rounds])
    )
    waits = [load.of(ok=True).wait(share) for load in (alone, during) for share in (50, 99)]
    sent = sum(len(one.backlog.done) for one in rounds)
    acknowledged = sum(one.acknowledged for one in rounds)
    seconds = sum(one.backlog.until for one in rounds)
    return [
        store,
        f"{rate:,.0f}",
        f"{waits[0]:.1f} / {waits[1]:.1f}",
        f"{waits[2]:.1f} / {waits[3]:.1f}",
        f"{waits[3] / waits[1]:.2f}",
        f"{alone.share(SHED):.2%} / {during.share(SHED):.2%}",
        f"{acknowledged / seconds:,.0f}",
        f"{acknowledged:,}",
        f"{sent - acknowledged // IN_BODY}",
    ]


def measure_store(
    table: Table, store: str, place: str | Path, bundle: Path, chosen: argparse.Namespace
) -> None:
    """Measure one store in rounds, each with new events."""
    told, requests = synthetic_events(), scoring(100)
    with service(chosen.core, settings(bundle, place)) as running:
        feed(running.port)
        rates = [capacity(running.port, in_turn(requests), chosen.seconds) for _ in range(2)]
        rate = max(load.of(ok=True).rate for load in rates) / 2
        made: list[Round] = []
        for _ in range(chosen.rounds):
            made.append(measure(running.port, requests, rate, told, chosen))
            made[-1].check(chosen.events // IN_BODY * IN_BODY)
            table.add_row(*row(store, rate, made[-1:]))
        table.add_row(*row(f"{store}, all", rate, made), end_section=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, help="made before, and kept")
    parser.add_argument("--stores", nargs="+", default=["memory", "SQLite"])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each round without them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=0)
    chosen = parser.parse_args()
    keep_off(chosen.core)
    table = Table("store", "/rank/s", "p50 / p99 ms alone", "beside", "p99 ratio",
                  "refused alone / beside", "events/s", "acknowledged",
                  "bodies refused")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle or make_bundle(Path(folder))
        for store in chosen.stores:
            place = "memory" if store == "memory" else Path(folder) / "store.sqlite"
            measure_store(table, store, place, bundle, chosen)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
