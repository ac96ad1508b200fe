"""One parameter of a study: the values of a key, checked against what that key can be."""

import json
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from optuna.trial import Trial
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from clickthrough.config.tune import Searched
from clickthrough.errors import ConfigError


@dataclass(frozen=True)
class Parameter:
    """A key of the configuration, and the values that are drawn for it.

    Attributes:
        name: of the parameter: the path of the key, with the family for those of a model.
        key: its name in the section.
        values: what is drawn.
        whole: whether values of a range are whole numbers.
    """

    name: str
    key: str
    values: Searched
    whole: bool = False

    def suggest(self, trial: Trial) -> None:
        """Let a trial draw a value."""
        low, high, log = self.values.low, self.values.high, self.values.log
        if self.values.choices is not None:
            trial.suggest_categorical(self.name, list(map(label, self.values.choices)))
        elif self.whole:
            step = int(self.values.step or 1)
            trial.suggest_int(self.name, int(low or 0), int(high or 0), step=step, log=log)
        else:
            step_of = self.values.step
            trial.suggest_float(self.name, low or 0.0, high or 0.0, step=step_of, log=log)

    def value(self, drawn: Any) -> Any:  # noqa: ANN401
        """Return what a drawn value stands for."""
        if self.values.choices is None:
            return drawn
        return self.values.choices[list(map(label, self.values.choices)).index(drawn)]

    def holds(self, value: Any) -> bool:  # noqa: ANN401
        """Say whether a value could be drawn."""
        if self.values.choices is not None:
            return value in self.values.choices
        if isinstance(value, bool | str) or not isinstance(value, int | float):
            return False
        low, high, step = self.values.low or 0, self.values.high or 0, self.values.step
        step = step or (1 if self.whole else None)
        return low <= value <= high and (step is None or (value - low) % step == 0)


def parameter(name: str, field: FieldInfo, values: Searched) -> Parameter:
    """Return a parameter.

    Args:
        name: its path; the last part is the key.
        field: what the key can be.
        values: what is searched.

    Raises:
        ConfigError: the key cannot have one of the values.
    """
    key = name.rsplit(".", 1)[-1]
    of_field: Any = Annotated[field.annotation, *field.metadata, None]
    adapter: TypeAdapter[Any] = TypeAdapter(of_field)
    ends = (values.low, values.high)
    for value in ends if values.choices is None else values.choices:
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            said = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ConfigError(f"tune.space: {name}: {said} (found {value!r:.80})") from None
    numbers = (*ends, values.step or 1)
    whole = float not in _leaves(field.annotation)
    if whole and values.choices is None and not all(isinstance(n, int) for n in numbers):
        raise ConfigError(f"tune.space: {name}: expected whole numbers, found {ends}")
    return Parameter(name, key, values, whole)


def label(value: Any) -> str | int | float | None:  # noqa: ANN401
    """Return what stands for a choice in a study, which knows no lists.

    >>> label([256, 128]), label(3)
    ('[256, 128]', 3)
    """
    return value if value is None or isinstance(value, str | int | float) else json.dumps(value)


def _leaves(annotation: Any) -> set[Any]:  # noqa: ANN401
    """Return the plain types of which a key may be one."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _leaves(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return set().union(*map(_leaves, get_args(annotation)))
    return {annotation}
