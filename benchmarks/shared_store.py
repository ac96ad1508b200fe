"""Two services on one Redis: exact counts through kills, events a second, /rank while it is away.

    PYTHONPATH=. python benchmarks/shared_store.py models --log demo --kills 20
    PYTHONPATH=. python benchmarks/shared_store.py models --log demo --events 100_000
    PYTHONPATH=. python benchmarks/shared_store.py models --log demo --seconds 20

Requests and events are those of the test part of the bundle's log; repeated, they get other request
ids. Two senders, one to each service, push bodies of events of the same keys, each again until it
is acknowledged. A redis-server is started for it.
"""

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from real_requests import Display, displays_of
from servers import free_port, settings

from clickthrough.bundle.load import Bundle, load_bundle
from clickthrough.features.history.counters import CounterHistory
from clickthrough.serving.predictor import Predictor
from clickthrough.store import Store, open_store
from tests.redis.proxy import SlowProxy
from tests.redis.server import SYNCED, RedisServer

Raw = dict[str, Any]
IN_BODY, CANDIDATES, RANK_EVERY = 100, 100, 0.02
LATER = 10**9
"""What is added to a request id when its display is sent once more."""
HEADERS = {"content-type": "application/json"}


class Service:
    """A service that is killed and started again with the same command."""

    def __init__(self, bundle: Path, store: str) -> None:
        self.port = free_port()
        serve = [sys.executable, "-m", "clickthrough", "serve", str(bundle)]
        self._command = [*serve, "--port", str(self.port)]
        self._environment = os.environ | settings(bundle, store)
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._running = subprocess.Popen(  # noqa: S603 - our own commands
            self._command, env=self._environment, stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()


FSYNC = {
    "no": ("--appendonly", "no"),
    "everysec": ("--appendonly", "yes", "--appendfsync", "everysec"),
    "always": SYNCED,
}
"""What a server is told of each way of keeping."""


def ask(port: int, path: str, body: bytes | None) -> tuple[int, bytes]:
    """Ask once, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request("POST" if body else "GET", path, body, HEADERS)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def until_ready(port: int) -> None:
    for _ in range(1_000):
        with suppress(OSError, http.client.HTTPException):
            if ask(port, "/health/ready", None)[0] == 200:
                return
        time.sleep(0.05)
    sys.exit("the service does not start")


@contextmanager
def running(
    bundle: Path, fsync: str, services: int = 2, proxied: bool = False
) -> Iterator[tuple[RedisServer, list[Service], SlowProxy | None]]:
    """Run a server, and services on it."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        server = stack.enter_context(RedisServer(Path(folder), *FSYNC[fsync]))
        proxy = SlowProxy(server.port).start() if proxied else None
        store = f"redis://127.0.0.1:{proxy.port}" if proxy else server.url
        made = [Service(bundle, store) for _ in range(services)]
        for one in made:
            stack.callback(one.kill)
            one.start()
        for one in made:
            until_ready(one.port)
        yield server, made, proxy


def events_of(displays: Sequence[Display], count: int) -> list[Raw]:
    """Return so many events; displays that are sent once more get other request ids."""
    rounds = (
        {**event, "request_id": event["request_id"] + LATER * again}
        for again in range(count)
        for display in displays
        for event in display.events
    )
    return list(islice(rounds, count))


def send(port: int, bodies: Sequence[bytes]) -> None:
    """Send bodies in turn, each again until it is acknowledged."""
    connection: http.client.HTTPConnection | None = None
    for body in bodies:
        while True:
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
                connection.request("POST", "/events", body, HEADERS)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    break
                assert answer.status == 503, answer.status
            except (OSError, http.client.HTTPException):
                if connection is not None:
                    connection.close()
                connection = None
            time.sleep(0.02)


def push(services: Sequence[Service], events: Sequence[Raw], beside: Callable[[], None]) -> float:
    """Send events to all services, and do something beside; return the seconds it took."""
    bodies = [
        json.dumps({"events": events[start : start + IN_BODY]}).encode()
        for start in range(0, len(events), IN_BODY)
    ]
    began = time.perf_counter()
    threads = [
        threading.Thread(target=send, args=(one.port, bodies[n :: len(services)]))
        for n, one in enumerate(services)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        beside()
    return time.perf_counter() - began


def counts(bundle: Bundle, store: Store, items: Sequence[Any]) -> Counter[tuple[str, Any]]:
    """Return what a store has counted of items, the bundle's snapshot included."""
    histories = Predictor(bundle, store).scorer.histories
    history = next(
        h for h in histories
        if isinstance(h, CounterHistory) and h.fields == ("item",) and h.of == "impressions"
    )  # fmt: skip
    columns = history.read(store, {"item": items}, np.array([2**31]))
    found: Counter[tuple[str, Any]] = Counter()
    for kind in ("impressions", "clicks"):
        name = next(n for n in history.columns if n.endswith(f":{kind}"))
        for item, value in zip(items, columns[name].tolist(), strict=True):
            found[kind, item] = int(np.nan_to_num(value))
    return found


def exact(bundle: Bundle, displays: Sequence[Display], kills: int, count: int) -> None:
    """Kill services and the server while events come, and compare what was counted."""
    item, chance = bundle.schema.input_name("item"), random.Random(7)  # noqa: S311
    events = events_of(displays, count)
    with running(bundle.path, "always") as (server, services, _):
        left = [kills]

        def kill() -> None:
            time.sleep(chance.uniform(0.2, 0.8))
            if left[0] > 0:
                left[0] -= 1
                those: list[RedisServer | Service] = [server, *services]
                victim = chance.choice(those)
                victim.kill()
                victim.start()
                if isinstance(victim, Service):
                    until_ready(victim.port)

        seconds = push(services, events, kill)
        items = sorted({event[item] for event in events})
        store, empty = open_store(f"{server.url}?deadline_ms=1000"), open_store("memory")
        found, known = (counts(bundle, one, items) for one in (store, empty))
    sent = Counter((f"{event['type']}s", event[item]) for event in events)
    wrong = {key for key in found if found[key] - known[key] != sent[key]}
    print(
        f"{kills - left[0]} kill -9 in {seconds:.0f} s: {len(events):,} events of {len(items):,} "
        f"items acknowledged, {len(wrong)} of {len(found):,} counts wrong"
    )
    if wrong or left[0]:
        sys.exit(f"kills left {left[0]}, wrong: {sorted(map(str, wrong))[:5]}")


def rate(bundle: Bundle, displays: Sequence[Display], count: int) -> None:
    """Say how many events a second two services take, and of how many key sets."""
    sets = len(bundle.plan.key_sets) + len(bundle.plan.sequence_sets)
    events = events_of(displays, count)
    for fsync in ("no", "everysec", "always"):
        with running(bundle.path, fsync) as (_, services, _):
            seconds = push(services, events, lambda: time.sleep(0.05))
        print(
            f"fsync {fsync}: {len(events) / seconds:,.0f} events/s of {sets} key sets", flush=True
        )


def waits(port: int, bodies: Iterator[bytes], seconds: float) -> tuple[str, list[float]]:
    """Ask /rank at an even pace; return what was said of counters, and each wait in ms."""
    said: Counter[str] = Counter()
    each: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        connection.request("POST", "/rank", next(bodies), HEADERS)
        answer = json.loads(connection.getresponse().read())
        each.append((time.perf_counter() - began) * 1e3)
        said[answer.get("counters", answer.get("detail"))] += 1
        time.sleep(max(0.0, RANK_EVERY - (time.perf_counter() - began)))
    return ", ".join(f"{count} {kind}" for kind, count in said.items()), each


def away(bundle: Bundle, displays: Sequence[Display], seconds: float) -> None:
    """Say what /rank of a hundred candidates waits where the server is well, slow or gone."""
    pool = [row for display in displays[:2_000] for row in display.candidates]
    chosen = random.Random(3)  # noqa: S311
    bodies = cycle([
        json.dumps({"context": d.context, "candidates": chosen.sample(pool, CANDIDATES)}).encode()
        for d in displays[:200]
    ])  # fmt: skip
    with running(bundle.path, "everysec", services=1, proxied=True) as (server, (one,), proxy):
        assert proxy is not None

        def tell(name: str) -> None:
            said, each = waits(one.port, bodies, seconds)
            p50, p99 = np.percentile(each, (50, 99))
            worst = f"longest {max(each):.1f}"
            print(f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f}, {worst} ({said})", flush=True)

        def recovered(name: str) -> None:
            began = time.perf_counter()
            while json.loads(ask(one.port, "/rank", next(bodies))[1])["counters"] != "live":
                time.sleep(0.01)
            print(f"{name}: live again after {time.perf_counter() - began:.2f} s", flush=True)

        waits(one.port, bodies, 2)
        tell("well")
        proxy.delay = 0.2
        tell("answers 200 ms late")
        proxy.delay = 0.0
        recovered("well")
        server.kill()
        tell("gone")
        server.start()
        recovered("back")
        tell("well")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--kills", type=int, help="of services and of Redis")
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--seconds", type=float, help="of /rank in each state of the server")
    given = parser.parse_args()
    bundle = load_bundle(given.bundle)
    displays = displays_of(bundle, given.log, 60_000)
    if given.kills is not None:
        exact(bundle, displays, given.kills, given.events)
    elif given.seconds is not None:
        away(bundle, displays, given.seconds)
    else:
        rate(bundle, displays, given.events)


if __name__ == "__main__":
    main()
