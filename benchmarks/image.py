"""The service's image: how large it is, how long its build takes, how soon it is ready.

    PYTHONPATH=. python benchmarks/image.py --bundle models

Built and run as `make test-all` does, without an engine (as root, after `make test-system`), from
the files that git knows. "Ready" is from `podman run` to the first 200 of `/health/ready`, on a
root that cannot be written to; the processor's time is the process's own until then. In turn with
it runs the same image with its bytecode set aside, as one whose files were not compiled.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.stack.conftest import copy_of_project
from tests.stack.container import started
from tests.stack.debian import default_release, engine_over
from tests.stack.engine import Engine

FULL, BARE = "ctr-service:latest", "ctr-service:bare"
UNCOMPILED = ("--env", "PYTHONPYCACHEPREFIX=/var/empty")
WAYS: dict[str, tuple[str, ...]] = {"as built": (), "without its bytecode": UNCOMPILED}


@dataclass(frozen=True)
class Start:
    """One start of a container: seconds, the processor's seconds, resident bytes."""

    seconds: float
    processor: float
    resident: int


def start(made: Engine, options: tuple[str, ...]) -> Start:
    """Start a container, and end it when it is ready."""
    began = time.perf_counter()
    with started(made, FULL, "--env", "CTR_DRAIN_SECONDS=0", *options) as running:
        seconds = time.perf_counter() - began
        process = made.podman("inspect", running.name, "--format", "{{.State.Pid}}").strip()
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        resident = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return Start(seconds, ticks / os.sysconf("SC_CLK_TCK"), resident)


def compressed(made: Engine, image: str, place: Path) -> int:
    """Return the bytes that a registry holds of an image."""
    made.buildah("push", image, f"oci:{place}:latest")
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())


def build(made: Engine, context: Path, *options: str) -> float:
    """Build, and return the seconds."""
    began = time.perf_counter()
    made.build(context, *options)
    return time.perf_counter() - began


def sizes(made: Engine, console: Console, context: Path, place: Path) -> None:
    """Print how large the image is, and how long it takes to build."""
    seconds = build(made, context, "--tag", FULL)
    build(made, context, "--build-arg", "BUNDLE=", "--tag", BARE)
    with (context / "clickthrough" / "__init__.py").open("a") as file:
        file.write("\n# changed\n")
    again = build(made, context, "--tag", "ctr-service:changed")
    table = Table("", "on disk, MB", "compressed, MB")
    for name, image in (("without a model", BARE), ("with it", FULL)):
        size = compressed(made, image, place / name.replace(" ", "-"))
        table.add_row(name, f"{made.size(image) / 1e6:.0f}", f"{size / 1e6:.0f}")
    console.print(table)
    console.print(f"build from nothing {seconds:.0f} s, after a change of the code {again:.0f} s")


def starts(made: Engine, console: Console, rounds: int) -> None:
    """Print how soon it is ready."""
    table = Table("", "ready after, s", "processor, s", "resident, MB")
    found: dict[str, list[Start]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, options in WAYS.items():
            found[name].append(start(made, options))
    for name, some in found.items():
        seconds = [one.seconds for one in some]
        spread = f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
        processor = statistics.median(one.processor for one in some)
        resident = statistics.median(one.resident for one in some) / 1e6
        table.add_row(name, spread, f"{processor:.2f}", f"{resident:.0f}")
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, default=Path("models"))
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    console = Console(width=100)
    with engine_over(default_release()) as made, tempfile.TemporaryDirectory() as folder:
        context = copy_of_project(Path(folder) / "clone")
        shutil.copytree(chosen.bundle, context / "models")
        sizes(made, console, context, Path(folder))
        starts(made, console, chosen.rounds)


if __name__ == "__main__":
    main()
