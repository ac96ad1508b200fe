"""A study: data prepared once, trials run by workers, the best written down; it can be gone on."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from clickthrough._version import __version__
from clickthrough.bundle.save import write_json
from clickthrough.config.load import load_config
from clickthrough.config.root import Config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.data.split import TRAIN, VALIDATION
from clickthrough.errors import ClickthroughError, ConfigError
from clickthrough.steps import Step, step
from clickthrough.training.calibrate import sliced_column
from clickthrough.training.narrowed import check_features
from clickthrough.training.prepare import plan_of, prepare
from clickthrough.training.refusals import refuse_unlearnable
from clickthrough.tuning import stored
from clickthrough.tuning.crew import Crew
from clickthrough.tuning.guard import FileGuard
from clickthrough.tuning.objective import directions_of
from clickthrough.tuning.queue import Queue
from clickthrough.tuning.refusals import refuse_requests, refuse_untelling
from clickthrough.tuning.report import write_report
from clickthrough.tuning.result import Tuned, best_text
from clickthrough.tuning.space import Space
from clickthrough.tuning.spaces import space_of
from clickthrough.tuning.storage import LOCKS, STORAGE, open_study
from clickthrough.tuning.worker import PREPARED, STUDY

_LOG = "workers.log"


def tune(  # noqa: PLR0913
    config: str | Path | Config,
    *,
    trials: int = 100,
    workers: int = 1,
    out: str | Path = "tuning",
    data: str | Path | Sequence[str | Path] | None = None,
    settings: Sequence[str] = (),
    storage: str | None = None,
) -> Tuned:
    """Search the settings of a configuration.

    Args:
        config: a YAML file, the name of a preset, or a configuration.
        trials: of the whole study, those of earlier calls included.
        workers: processes; each trains with one thread, or ``training.threads``.
        out: a directory that keeps the study; asked again, it goes on.
        data: where the log lies, instead of ``data.path``.
        settings: what replaces the file's, each as ``section.key=value``.
        storage: the URL of a PostgreSQL database that keeps the study, for several machines; by
            default what ``CTR_TUNE_STORAGE`` of the environment says, else a journal in ``out``.

    Returns:
        The trials, and the best of them; ``best.yaml`` and the rest lie in ``out``.

    Raises:
        ClickthroughError: the space, the metric, the log, the database or the directory cannot be
            used.
    """
    given = [Path(one) for one in ([data] if isinstance(data, str | Path) else data or ())]
    if not isinstance(config, Config):
        config = load_config(config, given, settings)
    space = space_of(config)
    refuse_requests(space)
    folder, url = Path(out).resolve(), storage or os.environ.get(STORAGE) or None
    dataset = open_dataset(config.data)
    refuse_unlearnable(dataset, config.data.split)
    refuse_untelling(space, dataset)
    check_features(config, dataset.schema)
    if config.calibration.by is not None:
        sliced_column(config.calibration.by, plan_of(config, dataset.schema))
    about = about_of(config, dataset)
    _make(folder)
    try:
        study, guard = open_study(folder, url, directions_of(space.metrics), about)
        _prepare(config, dataset, folder)
        queue = Queue(study, guard)
        with step("tuning") as at:
            crew = Crew(queue, lambda: _start(folder, trials, url), workers, folder / _LOG)
            crew.run(trials, space.given(), lambda done: _show(at, queue, space, done, trials))
    except OperationalError as error:
        said = str(error.orig).strip().splitlines()[0]
        raise ClickthroughError(f"--storage: the database is gone: {said}") from None
    except OSError as error:
        raise ClickthroughError(f"{folder}: cannot be written: {error}") from None
    tuned = Tuned(folder, space, study)
    with step("drawing the study"):
        return replace(tuned, written=tuple(write_report(tuned)))


_APART = {"serving", "data", "evaluation", "explain"}
"""Sections that no trial depends on."""


def about_of(config: Config, dataset: Dataset) -> dict[str, Any]:
    """Return what makes a study another one: the log, and all that its trials depend on."""
    return {
        "log": dataset.path.name,
        "data": config.data.model_dump(mode="json", include={"split", "timezone"}),
        "config": config.model_dump(
            mode="json", exclude={"serving", "data", "evaluation", "explain"}
        ),
    }


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {folder}: no directory can be there: {error.strerror}") from None


def _prepare(config: Config, dataset: Dataset, folder: Path) -> None:
    """Write the train and validation parts, unless they lie there."""
    about = about_of(config, dataset)
    write_json(folder / STUDY, about)
    kept = about | {"clickthrough": __version__}
    with FileGuard(folder / LOCKS).alone():  # several calls on this machine prepare once
        if stored.holds(folder / PREPARED, kept):
            return
        prepared = prepare(dataset, config, "live", parts=(TRAIN, VALIDATION))
        with step("writing what the workers share"):
            stored.store(prepared, config, kept, folder / PREPARED)


def _start(folder: Path, trials: int, url: str | None) -> "subprocess.Popen[bytes]":
    """Start a worker, which Ctrl-C on the terminal does not reach: this process ends it."""
    command = [sys.executable, "-m", "clickthrough.tuning.worker", str(folder), str(trials)]
    environment = {name: value for name, value in os.environ.items() if name != STORAGE}
    if url is not None:
        environment[STORAGE] = url
    with (folder / _LOG).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - this interpreter
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )


def _show(at: Step, queue: Queue, space: Space, done: int, trials: int) -> None:
    at(done, trials, best_text(queue.study, space.metrics))
