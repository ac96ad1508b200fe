"""Mixed load for long: nothing may fail, and memory must come to rest.

    python benchmarks/soak.py --minutes 10 --fill 600000

The server on one core, random arrivals at half of what it answers of such a mix from another: rows
to score, candidates to rank, new events one by one and in bodies of 100, malformed bodies, callers
who go away, in the middle of a body or without their answer. Every 30 seconds, on new connections:
what was asked, what failed, the resident memory. A failure is an answer that is neither what the
request was to get nor a 503 of admission, a hang-up, or a fault in `/metrics`.
"""

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import numpy as np
from exchange import OK, SHED, Asked, Load, Request, raw_request
from load import arrivals, at_random, capacity, in_turn
from rich.console import Console
from served_bundle import make_bundle
from servers import Running, keep_off, service, settings
from traffic import encoded, scoring, synthetic_events

SLICE, AT_ONCE = 30.0, 64
WRONG = {
    400: (b'{"impressions": [{"item": "\xff"}]}',),
    413: (b" " * 1_000_001,),
    422: (
        b"{",
        b'{"impressions": 7}',
        b'{"impressions": [{"item": "seven"}]}',
        b'{"impressions": [' + b"[" * 9_000,
        encoded({"impressions": [{f"strange_{n}": n for n in range(500)}]}),
        encoded({"impressions": [{"item": 1, "user": "a" * 9_000}]}),
        encoded({"impressions": [{}] * 2_001}),
    ),
}
"""What malformed bodies of /predict are answered with; the kind of a request is that status."""


class Mix:
    """Requests without end, in no order.

    Of a thousand, 690 score a row, 100 rank 100 candidates, 150 are an event, 10 are 100 events,
    30 are malformed, 20 are of callers who go away.
    """

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311
        self._told = synthetic_events()
        self._rows, self._ranks = in_turn(_answered(scoring(1))), in_turn(_answered(scoring(100)))
        wrong = [raw_request("/predict", body, status)
                 for status, bodies in WRONG.items() for body in bodies]  # fmt: skip
        wrong += [raw_request("/predict", None, 405), raw_request("/nowhere", b"{}", 404)]
        self._wrong = in_turn(wrong)

    def __iter__(self) -> Iterator[Request]:
        while True:
            yield self._next(self._draw.random())

    def _next(self, drawn: float) -> Request:
        if drawn < 0.69:
            return next(self._rows)
        if drawn < 0.79:
            return next(self._ranks)
        if drawn < 0.95:
            return self._told.request(1 if drawn < 0.94 else 100)._replace(kind=OK)
        if drawn < 0.98:
            return next(self._wrong)
        return self._leaving(next(self._rows if drawn < 0.99 else self._ranks))

    def _leaving(self, request: Request) -> Request:
        """Return a request whose sender goes: with its last byte, or in its middle."""
        whole = self._draw.random() < 0.5
        raw = request.raw if whole else request.raw[: self._draw.randrange(1, len(request.raw))]
        return Request(raw, OK, leaves=True)


def _answered(requests: list[Request]) -> list[Request]:
    return [request._replace(kind=OK) for request in requests]


@dataclass
class Tally:
    """What came of all requests so far, by status, and what failed."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[Asked] = field(default_factory=list)

    def add(self, load: Load) -> None:
        for one in load.asked:
            self.statuses[one.status] += 1
            if one.status != one.kind and not _is_refusal(one):
                self.failures.append(one)


def _is_refusal(one: Asked) -> bool:
    """Say whether admission refused it; a store that cannot be reached is a failure."""
    return one.status == SHED and b"(serving.max_" in one.body


def faults(running: Running) -> list[str]:
    """Return the faults that the service counted, as its metrics say them."""
    with urlopen(f"http://127.0.0.1:{running.port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return [line for line in lines if line.startswith("ctr_faults_total")]


def fill(running: Running, events: int) -> None:
    """Count events before the load, so that the page cache of the store is full."""
    told = synthetic_events()
    for _ in range(events // 1_000):
        answered = capacity(running.port, [told.request(1_000)], 60.0, 1, most=1)
        assert answered.asked[0].ok, answered.asked[0].answer


def soak(running: Running, minutes: float, console: Console) -> Tally:
    """Load a service for so long; print what happens."""
    mix, tally, memory = iter(Mix(7)), Tally(), []
    rate = capacity(running.port, mix, 5.0).rate / 2
    console.print(f"{rate:,.0f} requests/s; at its start {running.resident / 1e6:.1f} MB")
    slices = max(1, round(minutes * 60 / SLICE))
    for number in range(slices):
        load = arrivals(running.port, at_random(mix, SLICE, rate, number), AT_ONCE)
        tally.add(load)
        memory.append(running.resident)
        answered = load.where(lambda one: one.ok)
        console.print(
            f"{(number + 1) * SLICE:5.0f} s  {memory[-1] / 1e6:7.1f} MB  "
            f"{len(load.asked):7,} answers, {load.share(SHED):.2%} refused, "
            f"p99 of the others {answered.wait(99):.1f} ms, {len(tally.failures)} failures so far"
        )
    half = memory[len(memory) // 2 :]
    if len(half) > 1:
        slope = np.polyfit(np.arange(len(half)) * SLICE / 60, half, 1)[0] / 1e6
        console.print(f"memory over the second half: {slope:+.2f} MB a minute")
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, help="made before, and kept")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--store", default="SQLite", help="memory or SQLite")
    parser.add_argument("--fill", type=int, default=0, help="events counted beforehand")
    parser.add_argument("--core", type=int, default=0)
    chosen = parser.parse_args()
    keep_off(chosen.core)
    console = Console(width=130)
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle or make_bundle(Path(folder))
        store = "memory" if chosen.store == "memory" else Path(folder) / "store.sqlite"
        with service(chosen.core, settings(bundle, store)) as running:
            fill(running, chosen.fill)
            tally = soak(running, chosen.minutes, console)
            counted = faults(running)
    console.print(f"answers by status: {dict(sorted(tally.statuses.items()))}")
    for one in tally.failures[:10]:
        console.print(f"failed: {one.request.raw[:80]!r}: {one.status} {one.body[:200]!r}")
    console.print(f"{len(tally.failures)} failures; faults: {', '.join(counted) or 'none'}")
    assert not tally.failures
    assert not counted


if __name__ == "__main__":
    main()
