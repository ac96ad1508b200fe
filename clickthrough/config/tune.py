"""What ``clickthrough tune`` searches, and by what it judges."""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from clickthrough.config.base import Several, Strict, unknown_name
from clickthrough.config.training import Monitor

MILLISECONDS = ("ms_1", "ms_100")
"""The median time of the exported graph for so many rows, on one thread."""
Number = int | float


class Searched(Strict):
    """Values of one key: a range, or choices.

    Attributes:
        low: the least value.
        high: the greatest.
        log: whether values are drawn evenly by their logarithm.
        step: the step between two values.
        choices: the values themselves, of any form that the key can have.
    """

    low: Number | None = None
    high: Number | None = None
    log: bool = False
    step: Annotated[Number, Field(gt=0)] | None = None
    choices: Annotated[list[Any], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.choices is not None:
            if self.model_fields_set - {"choices"}:
                raise ValueError("expected either 'choices', or 'low' and 'high'")
            twice = [one for one in self.choices if self.choices.count(one) > 1]
            if twice:
                raise ValueError(f"choices: {twice[0]!r} is named twice")
            return self
        if self.low is None or self.high is None:
            raise ValueError("expected 'low' and 'high', or 'choices'")
        if self.low >= self.high:
            raise ValueError(f"expected low < high, found {self.low:g} and {self.high:g}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log: expected low > 0, and no 'step'")
        return self


class Tune(Strict):
    """A study: what is searched, by what it is judged, and which trials end early.

    Attributes:
        metric: what is made better, on the validation part: one that ``training.monitor`` can be,
            by default that one, or several, with ``ms_1`` or ``ms_100`` among them, for a Pareto
            front. Epochs are chosen by the first.
        space: key -> its values: ``training.learning_rate``, ``model.name``; ``model.dropout`` of
            every family that has it, ``model.mlp.dropout`` of one, in force where that is drawn.
            Nothing leaves a key of the default space as the configuration says.
        default: whether keys of the default space of each family are searched that ``space`` does
            not name.
        drop: features that a trial may have or leave out, by their names: ``counter(user)``.
        pruning: ``median`` ends a trial that is worse than the median of the others at its epoch;
            ``epochs`` and ``days`` halve successively: of all trials that reach so many epochs, or
            so much of the training period, counted back from its end, the best third goes on.
        startup: trials that are drawn at random before others are drawn by what they came to.
    """

    metric: Several[str] = []
    space: dict[str, Searched | None] = {}
    default: bool = True
    drop: list[str] = []
    pruning: Literal["none", "median", "epochs", "days"] = "median"
    startup: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for key, names in (("metric", self.metric), ("drop", self.drop)):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{key}: named twice: {', '.join(twice)}")
        for name in self.metric:
            known = [*get_args(Monitor), *MILLISECONDS]
            if name not in known:
                raise ValueError(f"metric: {unknown_name(name, 'metric', known)}")
        if self.metric and self.metric[0] in MILLISECONDS:
            raise ValueError("metric: expected a metric of quality first, then milliseconds")
        return self
