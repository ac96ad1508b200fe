"""A log of Outbrain's full size, from its files to a served bundle, on one machine.

    python benchmarks/full_size.py --scratch DIR
    python benchmarks/full_size.py --scratch DIR --millions 1 --page-views 1000000

simulates the log into a directory of ``DIR`` (87 million impressions in 17 million displays; page
views are capped, the real log has two thousand million), then runs ``clickthrough train
benchmarks/full_size.yaml`` in a process of its own: read, order, history, fit the encoder, encode,
an epoch of the original's net, calibrate, evaluate, count what the bundle will know, save. Its last
table is that of ``benchmarks/scoring.py``: the bundle loaded, and asked for its own log.

Each stage is a step that the command tells of (``CTR_LOG=json``); beside it stand the peak of the
memory that the process held, and of the disk below ``DIR``: files with a name, and those without,
which encoding fills. ``(nothing told)`` is what lies between steps. Run again after a kill, it goes
on: the log, its conversion, each set of history and the epoch are kept; the table shows all runs.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from watching import named_bytes, unnamed_bytes, watched

_HERE = Path(__file__).parent
_RUN, _UNTOLD = "a run begins", "(nothing told)"
_LEAST = 1.0
"""Seconds that are worth a line."""
_LOOKS = 1.0
"""Seconds between two looks at the disk."""
_COMMAND = [sys.executable, "-m", "clickthrough"]


class Stage(NamedTuple):
    """A stage of a run, in seconds since 1970."""

    run: int
    name: str
    start: float
    end: float


class Disk:
    """Notes memory and disk at every look, and the least room that the file system had."""

    def __init__(self, folder: Path, notes: Path) -> None:
        self._folder, self._notes, self._due = folder, notes.open("a"), 0.0
        self._used, self.least_free = 0, free(folder)

    def look(self, process: int, held: float) -> None:
        """Note a look."""
        now = time.time()
        if now >= self._due:
            self._used = named_bytes(self._folder) + unnamed_bytes(process, self._folder)
            self.least_free = min(self.least_free, free(self._folder))
            self._due = time.time() + _LOOKS
        print(json.dumps([now, held, self._used]), file=self._notes, flush=True)


def free(folder: Path) -> int:
    """Return the bytes that may still be written."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def stages(lines: Path) -> Iterator[Stage]:
    """Yield the stages that log lines tell of, and what lies between those of a run."""
    run, last = 0, 0.0
    for line in lines.read_text().splitlines():
        if not (line.startswith("{") and line.endswith("}")):  # a warning, or cut by a kill
            continue
        told = json.loads(line)
        if told.get("message") == _RUN:
            run, last = run + 1, told["time"]
        elif "step" in told:
            start, end = told["time"] - told["seconds"], told["time"]
            if start - last >= _LEAST:
                yield Stage(run, _UNTOLD, last, start)
            if end - start >= _LEAST:
                yield Stage(run, told["step"], start, end)
            last = max(last, end)


def stage_table(every: Sequence[Stage], looks: Sequence[tuple[float, float, int]]) -> Table:
    """Return a row a stage: seconds, and the peaks of memory and disk meanwhile."""
    table = Table("run", "stage", "seconds", "held GiB", "disk GB", title="train")
    for stage in every:
        own = [look for look in looks if stage.start <= look[0] <= stage.end]
        peaks = [max((look[place] for look in own), default=0) for place in (1, 2)]
        said = f"{stage.end - stage.start:.0f}", f"{peaks[0]:.2f}", f"{peaks[1] / 1e9:.1f}"
        table.add_row(str(stage.run), stage.name, *said)
    return table


def simulated(given: argparse.Namespace) -> Path:
    """Return the log, made unless it is there."""
    size = f"{given.millions:g}-million-{given.page_views}-views"
    log: Path = given.scratch / f"log-{size}"
    if not log.exists():
        command = [*_COMMAND, "simulate", str(log), "--test-share", "0"]
        command += ["--impressions", str(round(given.millions * 1e6))]
        command += ["--page-views", str(given.page_views), "--seed", "7"]
        seconds, most, _ = watched(command)
        print(f"simulated in {seconds:.0f} s, {most:.2f} GiB held", flush=True)
    shutil.rmtree(log / "truth", ignore_errors=True)  # a tenth of the log, which nobody asks here
    return log


def trained(log: Path, given: argparse.Namespace) -> int:
    """Train, or go on; return by how many bytes the room on the file system shrank at most."""
    lines, scratch = given.scratch / "lines.jsonl", given.scratch
    before, disk = free(scratch), Disk(scratch, scratch / "looks.jsonl")
    command = [*_COMMAND, "train", str(given.config), "--data", str(log)]
    command += ["--resume", "--no-baselines"]
    command += ["--out", str(scratch / "models"), "--set", f"data.cache={scratch / 'cache'}"]
    command += [part for one in given.set for part in ("--set", one)]
    environment: dict[str, Any] = {**os.environ, "CTR_LOG": "json", "TMPDIR": str(scratch)}
    with lines.open("a") as told:
        mark = json.dumps({"time": time.time(), "message": _RUN})
        print(f"\n{mark}", file=told, flush=True)  # the last line may be cut
        seconds, held, resident = watched(command, disk.look, stderr=told, env=environment)
    print(f"{seconds:.0f} s, {held:.2f} GiB held, {resident:.2f} GiB resident at most")
    return before - disk.least_free


def main() -> None:
    """Simulate, train, print, ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, default=87)
    parser.add_argument("--page-views", type=int, default=20_000_000)
    parser.add_argument("--config", default=_HERE / "full_size.yaml")
    parser.add_argument("--scratch", type=Path, required=True, help="keeps all: run again to go on")
    parser.add_argument("--set", nargs="+", default=[], help="section.key=value of the run")
    given = parser.parse_args()
    given.scratch = given.scratch.resolve()
    given.scratch.mkdir(parents=True, exist_ok=True)
    log = simulated(given)
    shrunk = trained(log, given)
    looks = [json.loads(line) for line in (given.scratch / "looks.jsonl").open()]
    Console(width=110).print(stage_table([*stages(given.scratch / "lines.jsonl")], looks))
    most, own = max(look[2] for look in looks) / 1e9, named_bytes(log) / 1e9
    print(f"disk at most: {most:.1f} GB, {own:.1f} of it the log; the file system's room shrank by "
          f"{shrunk / 1e9:.1f} GB in this run")  # fmt: skip
    scoring = [str(_HERE / "scoring.py"), "--log", str(given.scratch / "models"), str(log)]
    subprocess.run([sys.executable, *scoring], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
