"""One of several processes: trains the cases, and the leader writes what came of them.

``torchrun -m tests.training.distributed.worker FOLDER GIVEN all``: GIVEN holds checkpoints of
other numbers of processes; without ``all`` only these are gone on from.
"""

import json
import shutil
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import save_file

from clickthrough.training.distributed.join import group_of_process, joined, leave
from tests.training.distributed.cases import (
    CASES,
    CONTROLS,
    GONE_ON,
    RESUMED,
    Case,
    StoppedError,
    trained,
)

STOP = 17


def run(folder: Path, name: str, case: Case, keeper: Path | None = None) -> None:
    """Train a case; go on from a copy of a checkpoint where one is given."""
    group, own = group_of_process(), folder / "copy"
    if keeper is not None and group.leads:
        shutil.copytree(keeper, own)
    group.wait()
    state, epochs = trained(case, own if keeper else None)
    if group.leads:
        shutil.rmtree(own, ignore_errors=True)
        save_file({n: v.contiguous() for n, v in state.items()}, folder / f"{name}.safetensors")
        (folder / f"{name}.json").write_text(json.dumps([asdict(epoch) for epoch in epochs]))


def stop(case: Case, keeper: Path) -> None:
    """Leave a checkpoint in the middle of a run."""
    with suppress(StoppedError):
        trained(case, keeper, STOP)
        raise AssertionError("the run was not stopped")


def run_all(folder: Path) -> None:
    for name, case in (CASES | CONTROLS | RESUMED).items():
        run(folder, name, case)
    for name, case in RESUMED.items():
        stop(case, folder / "torn" / name)
        run(folder, f"{name} again", case, folder / "torn" / name)
    for name in GONE_ON:
        stop(CASES[name], folder / "kept" / f"2, {name}")


def main(folder: Path, given: Path, every: bool) -> None:
    if every:
        run_all(folder)
    for name in GONE_ON:
        for kept in sorted(given.iterdir()):
            run(folder, f"{name} from {kept.name}", CASES[name], kept)


if __name__ == "__main__":
    with joined():
        main(Path(sys.argv[1]), Path(sys.argv[2]), every="all" in sys.argv)
    leave()
