"""From a log to a trained model in one call."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clickthrough.api.frames import AnyFrame
from clickthrough.api.guess import ConfigSource, Settings, source_of, tell_guesses
from clickthrough.api.model import ClickModel
from clickthrough.cleanup import scratch_directory
from clickthrough.comparison.contenders import contenders
from clickthrough.config.data import TabularData
from clickthrough.config.root import Config
from clickthrough.data.frame import dataset_of_frame
from clickthrough.data.open import open_dataset
from clickthrough.init.roles import Named

if TYPE_CHECKING:  # they load torch, which takes seconds
    from clickthrough.training.candidates import Candidate


def fit(  # noqa: PLR0913 - a keyword each
    data: AnyFrame | str | Path | Sequence[str | Path],
    label: str | None = None,
    *,
    request_id: str | None = None,
    time: str | None = None,
    user: str | None = None,
    item: str | None = None,
    label_at_least: float | None = None,
    label_is: str | Sequence[str] | None = None,
    config: ConfigSource | None = None,
    set: Settings = (),  # noqa: A002 - as on the command line
    models: str | Sequence[str] | None = None,
    keep: str | None = None,
    baselines: bool = True,
    out: str | Path | None = None,
    say: Callable[[str], None] | None = None,
) -> ClickModel:
    """Train on a log, calibrate, evaluate, and return the model.

    >>> model = fit(frame, label="clicked")  # doctest: +SKIP
    >>> model = fit(frame, "clicked", models="mlp, final_net, lightgbm")  # doctest: +SKIP

    Without a configuration, what columns are and which features they make is guessed as
    ``clickthrough init`` does: a ``GuessWarning`` tells the parts that nobody named, a notebook
    shows all, ``model.looked.lines`` holds them. The last
    tenth of the log in order of time is the test part, a tenth of the rest validation.

    Args:
        data: a frame of pandas, Polars or Arrow, an impression a row, shown and not clicked ones
            too; or the path of a file or directory; or those of several files, which are one log.
        label: the column of clicks.
        request_id: that of requests.
        time: that of moments.
        user: that of users.
        item: that of items.
        label_at_least: from where on a label is a click, where it is not 0 and 1.
        label_is: the text, or texts, of a label that are clicks: ``"yes"``; all others are none.
        config: a YAML file, the name of a preset, or sections by their names; roles that are named
            here replace its own.
        set: settings that replace parts of it: ``{"training.epochs": 3}``.
        models: families to fit, with settings in brackets, as for ``clickthrough compare``; by
            default that of the configuration.
        keep: which of them the model is; by default the best on validation.
        baselines: whether they are fitted beside.
        out: where the bundle goes; by default it is kept until the model is gone: ``save`` writes
            it.
        say: takes each line of what happens.

    Raises:
        ConfigError: the configuration cannot be used.
        DataError: the log cannot be used: names the column or the row.
    """
    from clickthrough.training.run import Asked, train_on
    from clickthrough.training.told import Told

    texts = (label_is,) if isinstance(label_is, str) else tuple(label_is or ())
    named = Named(label, time, request_id, user, item, label_at_least, texts)
    source = source_of(data, named, config, set)
    if source.looked is not None and isinstance(source.config.data, TabularData):
        roles = source.config.data.roles.model_dump(exclude_none=True)
        tell_guesses(roles, named, source.looked.notes)
    asked = Asked(baselines=baselines, models=asked_models(models, source.config), kept=keep)
    told = Told(say) if say is not None else Told()
    place = None if out is not None else tempfile.TemporaryDirectory(prefix="clickthrough-")
    bundle = Path(out or "") if place is None else Path(place.name) / "model"
    if source.frame is None:
        train_on(open_dataset(source.config.data), source.config, bundle, told, asked)
    else:
        with scratch_directory() as cache:
            dataset = dataset_of_frame(source.frame.rows, cached_in(source.config, cache))
            train_on(dataset, source.config, bundle, told, asked)
    return ClickModel(bundle, source.looked, source.frame, place)


def asked_models(models: str | Sequence[str] | None, config: Config) -> "list[Candidate]":
    """Read which models are fitted; none stands for the configuration's.

    Raises:
        ConfigError: an unknown family or setting, or one named twice.
    """
    from clickthrough.training.candidates import Candidate

    if not models:
        return []
    text = models if isinstance(models, str) else ", ".join(models)
    return [Candidate(one.name, one.model) for one in contenders(text, config.model)]


def cached_in(config: Config, cache: Path) -> TabularData:
    """Return how a frame is read, converted where nothing of it is left."""
    data = config.data
    assert isinstance(data, TabularData)  # noqa: S101 - as a frame's configuration has it
    return data.of_frame(cache)
