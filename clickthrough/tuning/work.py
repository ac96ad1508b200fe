"""What a worker does: it takes trials until as many as were asked for are done."""

import math
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Sequence

from optuna.exceptions import TrialPruned, UpdateFinishedTrialError
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from clickthrough.errors import ClickthroughError
from clickthrough.tuning.queue import Queue, first_number

Objective = Callable[[Trial], Sequence[float]]
"""Returns what a trial is worth; prunes it by Optuna's own error."""

ERROR = "error"
"""The attribute of a trial that could not be run: why."""

_PATIENCE = 0.2
"""Seconds between two looks for a trial."""


def work(
    queue: Queue, objective: Objective, sampler_of: Callable[[int], BaseSampler], wanted: int
) -> None:
    """Take trials and run them until so many of the study are done, by whomever.

    Args:
        queue: where they come from.
        objective: runs one.
        sampler_of: what draws the parameters of a trial, by the number it first had.
        wanted: trials of the whole study.
    """
    worker = secrets.randbits(62)
    with queue.guard.living(worker):
        while len(queue.done()) < wanted:
            trial = queue.take(worker, wanted)
            if trial is None:
                time.sleep(_PATIENCE)  # others run the last: theirs may come back to the queue
                continue
            queue.study.sampler = sampler_of(first_number(trial))
            try:
                _run(queue, trial, objective)
            except UpdateFinishedTrialError:
                continue  # it was taken for dead, and another worker has its parameters


def _run(queue: Queue, trial: Trial, objective: Objective) -> None:
    """Run a trial, whatever becomes of it."""
    study = queue.study
    try:
        values = list(objective(trial))
        if not all(map(math.isfinite, values)):
            raise ClickthroughError(f"found {values}, expected numbers")
    except TrialPruned:
        study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
    except ClickthroughError as error:
        trial.set_user_attr(ERROR, str(error))
        study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
    else:
        study.tell(trial, values, skip_if_finished=True)


def end_with_parent() -> None:
    """End this process as soon as the one that started it closes its standard input, or is gone."""

    def watch() -> None:
        while os.read(stdin, 1):
            pass
        os._exit(0)

    stdin = sys.stdin.fileno()
    threading.Thread(target=watch, daemon=True).start()
