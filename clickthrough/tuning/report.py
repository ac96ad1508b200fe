"""A study as files: the best configuration, a table of trials, pictures."""

import csv
import importlib.util
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from clickthrough.config.load import anchor
from clickthrough.evaluation.drawn import write_figure
from clickthrough.tuning.objective import EPOCHS, SECONDS
from clickthrough.tuning.result import Tuned
from clickthrough.tuning.work import ERROR
from clickthrough.whole_file import write_whole

BEST, TRIALS, FRONT = "best.yaml", "trials.csv", "front"
_LEAST = 2
"""Completed trials without which there is nothing to draw."""
_log = logging.getLogger(__name__)


def write_report(tuned: Tuned) -> list[str]:
    """Write ``best.yaml``, ``trials.csv`` and pictures into the directory of a study.

    Returns:
        The names of what was written; without matplotlib there are no pictures.
    """
    out, written = tuned.out, [TRIALS]
    write_whole(out / TRIALS, table(tuned))
    if tuned.best is not None:
        write_whole(out / BEST, as_yaml(tuned, tuned.best))
        written.insert(0, BEST)
    if len(tuned.space.metrics) > 1 and tuned.front:
        (out / FRONT).mkdir(exist_ok=True)
        for old in (out / FRONT).glob("*.yaml"):
            old.unlink()
        for trial in tuned.front:
            write_whole(out / FRONT / f"{trial.number}.yaml", as_yaml(tuned, trial))
        written.append(f"{FRONT}/")
    drawn = draw(tuned) if importlib.util.find_spec("matplotlib") else ()
    return [*written, *drawn]


def as_yaml(tuned: Tuned, trial: FrozenTrial) -> str:
    """Return a trial's configuration: it trains to the same weights without edits."""
    values = tuned.values_of(trial)
    anchor(values["data"], Path.cwd())
    said = ", ".join(
        f"{metric} {value:.6g}"
        for metric, value in zip(tuned.space.metrics, trial.values, strict=True)
    )
    head = f"# trial {trial.number}: validation {said}\n"
    return head + yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def table(tuned: Tuned) -> str:
    """Return the trials as CSV, in order of their numbers."""
    trials, metrics = tuned.trials, tuned.space.metrics
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rest = ["seconds", "epochs", "error"]
    writer.writerow(["trial", "state", *metrics, *names, *rest])
    for trial in trials:
        values = trial.values if trial.values is not None else [""] * len(metrics)
        attributes = [trial.user_attrs.get(name, "") for name in (SECONDS, EPOCHS, ERROR)]
        drawn = [trial.params.get(name, "") for name in names]
        writer.writerow([trial.number, trial.state.name.lower(), *values, *drawn, *attributes])
    return text.getvalue()


def draw(tuned: Tuned) -> Iterator[str]:
    """Draw a study, and yield the names of the pictures."""
    complete = [one for one in tuned.trials if one.state == TrialState.COMPLETE]
    if len(complete) < _LEAST:
        return
    for name, figure in _figures(tuned).items():
        path = tuned.out / f"{name}.png"
        if _drawn(figure, path):
            yield path.name


def _figures(tuned: Tuned) -> dict[str, Callable[[], Any]]:
    from optuna.visualization import matplotlib as pictures

    study, metrics = _ended(tuned), tuned.space.metrics
    several = len(metrics) > 1
    kinds: dict[str, Callable[..., Any]] = {
        "history": pictures.plot_optimization_history,
        "importances": pictures.plot_param_importances,
        "slices": pictures.plot_slice,
    }
    made: dict[str, Callable[[], Any]] = {}
    for place, metric in enumerate(metrics):
        target = partial(_value, place) if several else None
        for name, plot in kinds.items():
            called = f"{name}-{metric}" if several else name
            made[called] = partial(plot, study, target=target, target_name=metric)
    if several and len(metrics) <= 3:  # of more there is no picture
        made["front"] = partial(pictures.plot_pareto_front, study, target_names=metrics)
    return made


def _value(place: int, trial: FrozenTrial) -> float:
    return float(trial.values[place])


def _ended(tuned: Tuned) -> Study:
    """Return the study in memory, without the trials that were tried again."""
    from optuna import create_study

    study = create_study(directions=tuned.study.directions)
    study.add_trials(tuned.trials)
    return study


def _widen(axes: Any) -> None:  # noqa: ANN401 - matplotlib has no types
    """Leave room for the names and choices of parameters that lie side by side."""
    axes[0].figure.set_size_inches(2.6 * axes.size, 4.2)
    for one in axes:
        one.set_xlabel(one.get_xlabel().replace(".", ".\n"))
        one.tick_params(axis="x", which="both", labelrotation=40, labelsize=8)


def _drawn(make: Callable[[], Any], path: Path) -> bool:
    """Draw a picture; what cannot be drawn of these trials is left out."""
    import matplotlib as mpl
    import numpy as np

    with warnings.catch_warnings(), mpl.rc_context({"figure.dpi": 120}):
        warnings.simplefilter("ignore")  # Optuna calls its pictures experimental
        from matplotlib import pyplot as plt

        before = plt.get_backend()
        plt.switch_backend("agg")
        try:
            axes = np.atleast_1d(make())
            figure = axes.ravel()[0].figure
            if axes.size > 1:
                _widen(axes)
            write_figure(figure, path, tight=True)
            plt.close(figure)
        except (ValueError, RuntimeError, ZeroDivisionError) as error:
            _log.info("%s: nothing to draw: %s", path.name, error)
            return False
        finally:
            plt.switch_backend(before)
    return True
