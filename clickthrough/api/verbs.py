"""The verbs ``train`` and ``evaluate`` of the command line as functions."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from clickthrough.api.fit import asked_models
from clickthrough.api.guess import ConfigSource, Settings, given_config, places, setting_lines
from clickthrough.api.model import ClickModel, Evaluation, load
from clickthrough.data.open import open_dataset


def train(  # noqa: PLR0913 - a keyword each
    config: ConfigSource,
    data: str | Path | Sequence[str | Path] | None = None,
    out: str | Path = "models",
    *,
    set: Settings = (),  # noqa: A002 - as on the command line
    models: str | Sequence[str] | None = None,
    keep: str | None = None,
    baselines: bool = True,
    truth: str | Path | None = None,
    say: Callable[[str], None] | None = None,
) -> ClickModel:
    """Train on a log as ``clickthrough train`` does, and leave a bundle.

    >>> model = train("outbrain", data="demo", out="models")  # doctest: +SKIP

    Args:
        config: a YAML file, the name of a preset, sections by their names, or a configuration.
        data: where the log lies, instead of where the configuration says; several are one log.
        out: where the bundle goes; one that stands there is replaced.
        set: settings that replace parts of it: ``{"training.epochs": 3}``.
        models: families to fit; see :func:`clickthrough.api.fit.fit`.
        keep: which of them the bundle holds; by default the best on validation.
        baselines: whether they are fitted beside.
        truth: a file of true probabilities to evaluate against.
        say: takes each line of what happens.

    Raises:
        ClickthroughError: the configuration, the log or the place cannot be used.
    """
    from clickthrough.training.run import Asked, train_on
    from clickthrough.training.told import Told

    loaded = given_config(config, setting_lines(set), places(data))
    asked = Asked(
        baselines=baselines,
        truth=None if truth is None else Path(truth),
        models=asked_models(models, loaded),
        kept=keep,
    )
    told = Told(say) if say is not None else Told()
    train_on(open_dataset(loaded.data), loaded, Path(out), told, asked)
    return load(out)


def evaluate(
    bundle: str | Path | ClickModel,
    data: Any = None,  # noqa: ANN401 - a path or a frame of any library
    counters: Literal["live", "frozen"] = "live",
    *,
    baselines: bool = True,
) -> Evaluation:
    """Evaluate a bundle as ``clickthrough evaluate`` does; see :meth:`ClickModel.evaluate`.

    Args:
        bundle: its directory, or a model.
        data: where the log lies, or a frame; by default what training found on the test part.
        counters: whether counters go on learning in the test period.
        baselines: whether they stand beside.
    """
    model = bundle if isinstance(bundle, ClickModel) else load(bundle)
    return model.evaluate(data, counters, baselines)
