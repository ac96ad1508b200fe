"""A worker without training, and the moments at which it is killed.

``python -m tests.tuning.fake FOLDER WANTED MOMENT``: a moment is ``torn:7`` (in the middle of the
seventh write), ``locked:7`` (before it, while the journal is locked), ``written:7`` (after it,
while still locked), ``taken:2`` (while the study is locked, with the second trial just taken), or
none.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from optuna.samplers import RandomSampler
from optuna.trial import Trial

from clickthrough.tuning import journal
from clickthrough.tuning.queue import Queue, first_number
from clickthrough.tuning.storage import open_study
from clickthrough.tuning.work import end_with_parent, work

ROOT = Path(__file__).resolve().parents[2]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_in_journal(how: str, nth: int) -> None:
    """Let the process be killed around a write of its own, under the lock of the journal."""
    cut, writes = journal.cut_torn_line, count(1)

    def cutting(file: Any) -> None:  # noqa: ANN401
        cut(file)
        if next(writes) == nth:
            if how == "locked":
                die()
            whole = b'{"op_code":8,"worker_id":"w","trial_id":0,"user_attr":{"a":"b"}}\n'
            os.write(file.fileno(), whole if how == "written" else whole[: 7 * nth % 60 + 1])
            die()

    journal.cut_torn_line = cutting


def killed_with_trial(nth: int) -> None:
    """Let the process be killed between taking a trial and saying whose it is."""
    set_user_attr, taken = Trial.set_user_attr, count(1)

    def setting(trial: Trial, key: str, value: Any) -> None:  # noqa: ANN401
        if key == "worker" and next(taken) == nth:
            die()
        set_user_attr(trial, key, value)

    Trial.set_user_attr = setting  # type: ignore[method-assign, assignment]


def objective(trial: Trial) -> Sequence[float]:
    """Take a moment; the value is that of the parameters, which follow from the number."""
    x = trial.suggest_float("x", -1, 1)
    for step in range(3):
        trial.report(x * x + 1 / (step + 1), step)
        time.sleep(float(os.environ.get("FAKE_SECONDS", "0.02")) / 3)
    trial.set_user_attr("first", first_number(trial))
    return [x * x]


class Noted(Queue):
    """Notes what was told to be finished."""

    def note(self, folder: Path) -> None:
        tell = self.study.tell

        def telling(trial: Any, *values: Any, **rest: Any) -> Any:  # noqa: ANN401
            made = tell(trial, *values, **rest)
            with (folder / "told.txt").open("a") as file:
                file.write(f"{made.number} {made.values[0]!r}\n")
            return made

        self.study.tell = telling  # type: ignore[method-assign]


def start(folder: Path, wanted: int, moment: str = "", **environment: str) -> Any:  # noqa: ANN401
    command = [sys.executable, "-m", "tests.tuning.fake", str(folder), str(wanted), moment]
    return subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT, env=os.environ | environment)


def main() -> None:
    end_with_parent()
    folder, (how, _, nth) = Path(sys.argv[1]), sys.argv[3].partition(":")
    study, guard = open_study(folder, os.environ.get("CTR_TUNE_STORAGE"), ["minimize"], {})
    queue = Noted(study, guard)
    queue.note(folder)
    if how == "taken":
        killed_with_trial(int(nth))
    elif how:
        killed_in_journal(how, int(nth))
    work(queue, objective, RandomSampler, int(sys.argv[2]))


if __name__ == "__main__":
    main()
