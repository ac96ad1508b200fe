"""The space of a study: which keys are drawn for which family, and what a trial's values make."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.trial import Trial

from clickthrough.config.load import parse_config
from clickthrough.config.model import fitting
from clickthrough.config.root import Config
from clickthrough.config.training import LARGEST_SEED
from clickthrough.tuning.parameters import Parameter, label

FAMILY = "model.name"
ON, OFF = "on", "off"


@dataclass(frozen=True)
class Space:
    """What is searched; see :func:`clickthrough.tuning.spaces.space_of`.

    Attributes:
        config: what holds where nothing is drawn.
        families: family -> the parameters that are in force where it is drawn.
    """

    config: Config
    families: dict[str, list[Parameter]]

    @property
    def metrics(self) -> list[str]:
        """What is made better."""
        return list(self.config.tune.metric) or [self.config.training.monitor]

    def suggest(self, trial: Trial) -> None:
        """Let a trial draw its parameters."""
        names = list(self.families)
        several = len(names) > 1
        family = str(trial.suggest_categorical(FAMILY, names)) if several else names[0]
        for one in self.families[family]:
            one.suggest(trial)
        for name in self.config.tune.drop:
            trial.suggest_categorical(name, [ON, OFF])

    def given(self) -> dict[str, Any]:
        """Return the configuration's own values, as far as they could be drawn."""
        family, config = self.config.model.name, self.config
        made: dict[str, Any] = dict.fromkeys(config.tune.drop, ON)
        if family not in self.families:
            return made
        if len(self.families) > 1:
            made[FAMILY] = family
        for one in self.families[family]:
            section = config.training if one.name.startswith("training.") else config.model
            value = getattr(section, one.key)
            if one.holds(value):
                made[one.name] = value if one.values.choices is None else label(value)
        return made

    def values_of(self, drawn: Mapping[str, Any], number: int) -> dict[str, Any]:
        """Return a trial's configuration as a YAML file would say it.

        It says all that the weights depend on: also the seed and the threads.

        Args:
            drawn: parameters.
            number: of the trial, when it was first tried.
        """
        values = self.config.model_dump(mode="json", exclude_unset=True, exclude={"tune"})
        family = drawn.get(FAMILY, next(iter(self.families)))
        training = values.get("training", {})
        model = self._model(family, values.get("model", {}))
        for one in self.families[family]:
            section = training if one.name.startswith("training.") else model
            section[one.key] = one.value(drawn[one.name])
        training |= {
            "seed": (self.config.training.seed + number) % (LARGEST_SEED + 1),
            "monitor": self.metrics[0],
            "threads": self.config.training.threads or 1,
        }
        off = [name for name in self.config.tune.drop if drawn[name] == OFF]
        drop = {"drop": [*self.config.drop, *off]} if off else {}
        return values | {"model": model, "training": training} | drop

    def config_of(self, drawn: Mapping[str, Any], number: int) -> Config:
        """Return a trial's configuration; see :meth:`values_of`.

        Raises:
            ConfigError: its values do not go together.
        """
        return parse_config(self.values_of(drawn, number), f"trial {number}")

    def _model(self, family: str, said: dict[str, Any]) -> dict[str, Any]:
        if family == self.config.model.name:
            return {**said, "name": family}
        said.pop("name", None)
        return {"name": family, **fitting(family, said)}
