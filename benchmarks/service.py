"""The service over HTTP: one core for the server, the load from another.

    python benchmarks/service.py --seconds 2 --rounds 4 --demo models

Requests a second with six in flight, then the waits at half of that with random arrivals, beside
an empty FastAPI route on the same server: uvicorn, uvloop, httptools. All are measured in turn, in
rounds; "of empty" is the median of the ratios in the same round. "+ events": one request in ten is
`/events` with one event; "x 100": as many events, in bodies of 100. Waits and "refused" are of the
requests to score: p50 and p99 of the best round, then p99 of all rounds together. `--before DIR`
measures the service of an older checkout in the same rounds, on asyncio and under `--before-http`,
with a bundle that it makes for itself. `--litserve` names a Python that has LitServe (see
service_litserve.py): the model's graph alone, on encoded inputs.
"""

import argparse
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from contestants import Contestant, compared, run, shown
from demo_traffic import DemoTraffic
from exchange import Request, raw_request
from load import in_turn
from rich.console import Console
from served_bundle import make_bundle, random_inputs
from servers import (
    HERE,
    free_port,
    keep_off,
    older,
    older_bundle,
    server,
    service,
    settings,
    started,
)
from traffic import LIKELY, Events, Mix, encoded, feed, scoring, synthetic_events

from clickthrough.bundle import load_bundle

Asked = dict[str, list[Request]]
"""What is asked to be scored, by how it is called."""


def asked_of(candidates: Sequence[int]) -> Asked:
    """Return what is asked of the synthetic bundle."""
    asked = {"/predict, 1 row": scoring(1)}
    return asked | {f"/rank, {count} candidates": scoring(count) for count in candidates}


def asked_of_demo(demo: DemoTraffic) -> Asked:
    """Return what is asked of the demo's bundle."""
    mean, displays = demo.rank()
    return {
        "demo: /predict, 1 row": demo.predict(),
        f"demo: /rank, mean {mean:.1f}": displays,
        "demo: /rank, 100 candidates": demo.rank_of(100),
    }


def alone(port: int, asked: Asked, mark: str = "") -> list[Contestant]:
    """Return contestants without events."""
    return [Contestant(name + mark, port, in_turn(some)) for name, some in asked.items()]


def with_events(port: int, asked: Asked, told: Events) -> list[Contestant]:
    """Return contestants with events, one at a time and a hundred."""
    return [
        Contestant(name + mark, port, Mix(some, told, events))
        for name, some in asked.items()
        for events, mark in ((1, " + events"), (100, " + events x 100"))
    ]


@contextmanager
def litserve(
    python: str | None, bundle: Path, core: int, candidates: Sequence[int]
) -> Iterator[list[Contestant]]:
    """Run LitServe; give what is asked of it: the same rows, encoded."""
    if python is None:
        yield []
        return
    port, encoder = free_port(), load_bundle(bundle).encoder
    script = str(HERE / "service_litserve.py")
    command = [python, script, str(bundle / "ctr_model.onnx"), str(port)]
    with started(command, core, "/health", port, {}):
        made = []
        for rows in (1, *candidates):
            inputs = (random_inputs(encoder, rows) for _ in range(LIKELY))
            bodies = [{"ids": i.ids.tolist(), "numeric": i.numeric.tolist()} for i in inputs]
            requests = [raw_request("/predict", encoded(body)) for body in bodies]
            made.append(Contestant(f"LitServe, {rows} encoded", port, in_turn(requests)))
        yield made


def measure(chosen: Namespace, folder: Path, stack: ExitStack) -> None:
    """Start all servers, measure them in turn, and print the table."""
    bundle = chosen.bundle or make_bundle(folder)
    core, asked = chosen.core, asked_of(chosen.candidates)

    def serve(some: Path, name: str) -> int:
        store = "memory" if chosen.store == "memory" else folder / f"{name}.sqlite"
        environment = settings(some, store) | {"CTR_RUNTIME": chosen.runtime}
        return stack.enter_context(service(core, environment)).port

    empty = stack.enter_context(server("empty:app", HERE, core, {})).port
    port, told = serve(bundle, "alone"), serve(bundle, "told")
    feed(port)
    feed(told)
    contestants = [Contestant("empty FastAPI route", empty, in_turn([raw_request("/empty")]))]
    contestants += [*alone(port, asked), *with_events(told, asked, synthetic_events())]
    if chosen.demo:
        demo = DemoTraffic(chosen.demo)
        contestants += alone(serve(chosen.demo, "demo"), asked_of_demo(demo))
        told = serve(chosen.demo, "demo, told")
        contestants += with_events(told, asked_of_demo(demo), demo.events())
    if chosen.before:
        made = older_bundle(chosen.before, folder / "before")
        before = older(chosen.before, core, settings(made), chosen.before_http)
        port = stack.enter_context(before).port
        feed(port)
        contestants += alone(port, asked, ", before")
    contestants += stack.enter_context(litserve(chosen.litserve, bundle, core, chosen.candidates))
    run(contestants, chosen.rounds, chosen.seconds, chosen.in_flight)
    console = Console(width=140)
    console.print(shown(contestants))
    by_name = {one.name: one for one in contestants}
    for name in asked:
        if former := by_name.get(f"{name}, before"):
            median, least, most = compared(by_name[name], former)
            console.print(f"{name}: {median:.3f} of before (rounds: {least:.3f} to {most:.3f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, help="made before, and kept")
    parser.add_argument("--demo", type=Path, help="the bundle of the demo, its log as it was")
    parser.add_argument("--before", type=Path, help="an older checkout")
    parser.add_argument("--before-http", default="clickthrough.serving.protocol:PlainProtocol")
    parser.add_argument("--store", default="memory", help="memory or SQLite")
    parser.add_argument("--runtime", default="onnx")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, default=6)
    parser.add_argument("--candidates", type=int, nargs="+", default=[100])
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--litserve", help="a Python that has LitServe")
    chosen = parser.parse_args()
    keep_off(chosen.core)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        measure(chosen, Path(folder), stack)


if __name__ == "__main__":
    main()
