"""The trials of a study, handed out one at a time to workers that may end at any moment."""

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from clickthrough.tuning.guard import Guard

WORKER, AGAIN, FIRST, ATTEMPT = "worker", "again", "first", "attempt"
"""Attributes of a trial: who runs it; the number of the one that it repeats, and of the first of
them all; which attempt it is."""
_MOST_ATTEMPTS = 5
"""A trial whose workers end so often is not tried again: it may be what ends them."""


class Queue:
    """The trials of a study.

    Optuna can count trials only as they end, so that several workers run more than were asked
    for; here each is put in the queue before it is taken.

    Args:
        study: they belong to.
        guard: its locks.
    """

    def __init__(self, study: Study, guard: Guard) -> None:
        self.study, self.guard = study, guard

    def fill(self, wanted: int, given: Mapping[str, Any]) -> None:
        """Put trials in the queue until so many are done, running or waiting.

        Trials of workers that are no more are ended, and put in the queue again.

        Args:
            wanted: trials of the whole study.
            given: parameters of its first trial, as far as they are not to be drawn.
        """
        with self.guard.alone():
            self._bury()
            known = len(counted(self._trials()))
            for place in range(known, wanted):
                self.study.enqueue_trial({} if place else dict(given))

    def bury(self) -> None:
        """End trials of workers that are no more, and put them in the queue again."""
        with self.guard.alone():
            self._bury()

    def take(self, worker: int, wanted: int) -> Trial | None:
        """Take a trial.

        Args:
            worker: who takes it; see :meth:`Guard.living`.
            wanted: trials of the whole study.

        Returns:
            The trial; None where no more of them wait, or are wanted.
        """
        # under the lock, else a worker killed in between would leave a trial that has no worker
        with self.guard.alone():
            trials = counted(self._trials())
            waiting = [trial for trial in trials if trial.state == TrialState.WAITING]
            if not waiting or len(trials) - len(waiting) >= wanted:
                return None
            trial = self.study.ask()
            trial.set_user_attr(WORKER, worker)
            return trial

    def done(self) -> list[FrozenTrial]:
        """Return the trials that ended, less those that are tried again."""
        return [trial for trial in counted(self._trials()) if trial.state.is_finished()]

    def _bury(self) -> None:
        trials = self._trials()
        repeated = _repeated(trials)
        for trial in trials:
            if trial.state != TrialState.RUNNING or self._lives(trial):
                continue
            # in this order, so that whoever is killed in between loses nothing
            if trial.number not in repeated:
                self._repeat(trial)
            self.study.tell(trial.number, state=TrialState.FAIL)

    def _repeat(self, trial: FrozenTrial) -> None:
        attempt = trial.user_attrs.get(ATTEMPT, 1)
        if attempt >= _MOST_ATTEMPTS:
            return
        drawn = trial.system_attrs.get("fixed_params", {}) | trial.params
        attributes = {AGAIN: trial.number, FIRST: first_number(trial), ATTEMPT: attempt + 1}
        self.study.enqueue_trial(drawn, user_attrs=attributes)

    def _lives(self, trial: FrozenTrial) -> bool:
        worker = trial.user_attrs.get(WORKER)
        return worker is not None and self.guard.lives(worker)

    def _trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)


def counted(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return trials less those that others repeat."""
    repeated = _repeated(trials)
    return [trial for trial in trials if trial.number not in repeated]


def first_number(trial: FrozenTrial | Trial) -> int:
    """Return the number that a trial had when it was first tried: its seeds come of it."""
    return int(trial.user_attrs.get(FIRST, trial.number))


def _repeated(trials: Sequence[FrozenTrial]) -> set[int]:
    return {trial.user_attrs[AGAIN] for trial in trials if AGAIN in trial.user_attrs}
