"""How soon health is answered, whatever is sent meanwhile.

    PYTHONPATH=. python benchmarks/hostile.py --seconds 2

The bodies of the hostile client in `tests/`, a megabyte and more each, are sent to every hot route
by several senders as soon as the one before is answered; from another connection `/health/live` is
asked all the while. Told of each: how often it was answered, with what, the largest answer to a
refused one, and the waits for health. Wanted: health within 50 ms, refusals of at most 10 KB.
"""

import argparse
import http.client
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from served_bundle import make_bundle
from servers import Running, keep_off, service, settings
from traffic import feed

from tests.serving.hostile.floods import floods

KEYS = {"/predict": "impressions", "/rank": "candidates", "/events": "events"}
HEADERS = {"content-type": "application/json"}
OK, EVERY = 200, 0.005


@dataclass
class Found:
    """What was answered to a body that was sent again and again, and how health was meanwhile."""

    statuses: Counter[int] = field(default_factory=Counter)
    largest_refusal: int = 0
    waits: list[float] = field(default_factory=list)

    def row(self, *named: str) -> list[str]:
        """Return a row of the table."""
        waits = np.array(self.waits) * 1e3
        told = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        p50, p99 = np.percentile(waits, [50, 99])
        return [*named, told, f"{self.largest_refusal:,}", f"{p50:.1f}", f"{p99:.1f}",
                f"{waits.max():.1f}"]  # fmt: skip


def send(port: int, path: str, body: bytes, over: threading.Event, found: Found) -> None:
    """Send a body until it is over."""
    while not over.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", path, body, HEADERS)
        response = connection.getresponse()
        said = response.read()
        connection.close()
        found.statuses[response.status] += 1
        if response.status != OK:
            found.largest_refusal = max(found.largest_refusal, len(said))


def attacked(running: Running, path: str, body: bytes, chosen: argparse.Namespace) -> Found:
    """Return what happens while several send a body."""
    found, over = Found(), threading.Event()
    told = (running.port, path, body, over, found)
    senders = [threading.Thread(target=send, args=told) for _ in range(chosen.senders)]
    for sender in senders:
        sender.start()
    health = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    until = time.perf_counter() + chosen.seconds
    while (began := time.perf_counter()) < until:
        health.request("GET", "/health/live")
        health.getresponse().read()
        found.waits.append(time.perf_counter() - began)
        time.sleep(EVERY)
    over.set()
    for sender in senders:
        sender.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each body")
    parser.add_argument("--senders", type=int, default=2)
    parser.add_argument("--core", type=int, default=0)
    chosen = parser.parse_args()
    keep_off(chosen.core)
    table = Table("route", "body", "answered", "largest refusal, bytes", "p50 ms", "p99 ms", "max")
    with tempfile.TemporaryDirectory() as folder:
        bundle = make_bundle(Path(folder))
        with service(chosen.core, settings(bundle)) as running:
            feed(running.port)
            worst: list[float] = []
            for path, key in KEYS.items():
                for name, body in floods(key).items():
                    found = attacked(running, path, body, chosen)
                    worst.extend(found.waits)
                    table.add_row(*found.row(path, name))
            print(f"resident {running.resident / 1e6:,.0f} MB")
    console = Console(width=140)
    console.print(table)
    late = np.percentile(worst, 99.9)
    console.print(f"health: p99.9 {late * 1e3:.1f}, max {max(worst) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
