"""Memory of the service over many requests, and of one that leaks.

    python benchmarks/memory.py --requests 200000

A server on one core, the load from another: a tenth of the requests rank 20 candidates, a tenth
are events that are known already, a twentieth are refused, the rest score one row. Resident memory
is read every 5,000 requests; what counts is its slope over the second half, in bytes a request,
against a hundred: 20 MB over 200,000 requests. The control keeps every body it is sent; the same
check must catch it in a tenth of the requests.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from exchange import Request, raw_request
from load import capacity, in_turn
from rich.console import Console
from rich.table import Table
from served_bundle import Requests, make_bundle
from servers import HERE, PROTOCOL, Running, keep_off, server, settings

EVERY, AT_ONCE, MOST = 5_000, 8, 100.0
FOREVER = float("inf")


@dataclass
class Growth:
    """Resident bytes after so many requests."""

    name: str
    requests: list[int]
    resident: list[int]

    @property
    def slope(self) -> float:
        """Bytes a request over the second half: the first warms caches up."""
        half = len(self.requests) // 2
        return float(np.polyfit(self.requests[half:], self.resident[half:], 1)[0])


def mixed() -> list[Request]:
    made = Requests(seed=4)
    events = json.dumps({"events": made.events(5)}).encode()
    asked: list[Request] = []
    for place in range(200):
        if place % 10 == 0:
            context, candidates = made.request(20)
            body = json.dumps({"context": context, "candidates": candidates}).encode()
            asked.append(raw_request("/rank", body))
        elif place % 10 == 1:
            asked.append(raw_request("/events", events))
        elif place % 20 == 2:
            asked.append(raw_request("/predict", b'{"impressions": [{"item": "seven"}]}'))
        else:
            body = json.dumps({"impressions": [made.impression()]}).encode()
            asked.append(raw_request("/predict", body))
    return asked


def grow(name: str, running: Running, count: int) -> Growth:
    asked = in_turn(mixed())
    growth = Growth(name, [0], [running.resident])
    for done in range(EVERY, count + 1, EVERY):
        capacity(running.port, asked, FOREVER, AT_ONCE, most=EVERY)
        growth.requests.append(done)
        growth.resident.append(running.resident)
    return growth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, help="made before, and kept")
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--core", type=int, default=0)
    chosen = parser.parse_args()
    keep_off(chosen.core)
    table = Table("service", "requests", "MB at start", "at half", "at end", "bytes a request")
    grown: list[Growth] = []
    with tempfile.TemporaryDirectory() as folder:
        bundle = chosen.bundle or make_bundle(Path(folder))
        for module, place, count in [
            ("app:app", HERE.parent, chosen.requests),
            ("leaking:app", HERE, chosen.requests // 10),
        ]:
            with server(module, place, chosen.core, settings(bundle), PROTOCOL) as running:
                grown.append(grow(module, running, count))
    for one in grown:
        at = [one.resident[place] / 1e6 for place in (0, len(one.resident) // 2, -1)]
        said = [f"{one.requests[-1]:,}", *(f"{size:.1f}" for size in at), f"{one.slope:.1f}"]
        table.add_row(one.name, *said)
    Console(width=110).print(table)
    assert grown[1].slope > MOST, "the check does not see the leak"
    assert grown[0].slope < MOST, "memory grows"


if __name__ == "__main__":
    main()
