"""What a study came to: its trials, the best of them, and that one's configuration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from clickthrough.config.root import Config
from clickthrough.tuning.queue import counted, first_number
from clickthrough.tuning.space import Space
from clickthrough.tuning.work import ERROR


@dataclass(frozen=True)
class Tuned:
    """A study that ended.

    Attributes:
        out: its directory.
        space: what was searched.
        study: Optuna's own view of it.
        written: the names of the files that were written of it.
    """

    out: Path
    space: Space
    study: Study
    written: tuple[str, ...] = ()

    @property
    def trials(self) -> list[FrozenTrial]:
        """All that ended, less those that were tried again."""
        return [trial for trial in counted(self.study.trials) if trial.state.is_finished()]

    @property
    def front(self) -> list[FrozenTrial]:
        """The trials that no other is better than by every objective, best by the first first."""
        return front_of(self.study)

    @property
    def best(self) -> FrozenTrial | None:
        """The best trial by the first objective; None where none was completed."""
        return next(iter(self.front), None)

    @property
    def errors(self) -> list[str]:
        """Why trials could not be run."""
        return [trial.user_attrs[ERROR] for trial in self.trials if ERROR in trial.user_attrs]

    def config_of(self, trial: FrozenTrial) -> Config:
        """Return a trial's configuration."""
        return self.space.config_of(trial.params, first_number(trial))

    def values_of(self, trial: FrozenTrial) -> dict[str, Any]:
        """Return a trial's configuration as a YAML file would say it."""
        return self.space.values_of(trial.params, first_number(trial))


def front_of(study: Study) -> list[FrozenTrial]:
    """Return the trials that no other is better than by every objective."""
    sign = -1 if study.directions[0] == StudyDirection.MAXIMIZE else 1
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    best = study.best_trials if len(study.directions) > 1 else complete
    ranked = sorted(best, key=lambda trial: (sign * trial.values[0], trial.number))
    return ranked if len(study.directions) > 1 else ranked[:1]


def best_text(study: Study, metrics: list[str]) -> str:
    """Say which trial is the best so far."""
    best = next(iter(front_of(study)), None)
    if best is None:
        return ""
    said = ", ".join(f"{m} {v:.5g}" for m, v in zip(metrics, best.values, strict=True))
    return f"best {said} (trial {best.number})"
