"""Listeners of a run: TensorBoard and MLflow, where they are installed and asked for.

They are told of each epoch as it ends and of the evaluation at the end. One that fails is dropped
with a line in the log: no run is lost for whoever watches it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from clickthrough.bundle.load import Bundle
from clickthrough.config.base import unknown_name
from clickthrough.config.root import Config
from clickthrough.errors import ClickthroughError, install_hint
from clickthrough.runs.keep import own_results
from clickthrough.training.resuming.position import Epoch

_log = logging.getLogger(__name__)
_SECTIONS = {"model", "training", "calibration", "counters"}
"""What of a configuration is told: settings, and no paths."""


class Tracker(Protocol):
    """What listens to a run."""

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Take what came of an epoch, by name."""

    def end(self, version: str, values: Mapping[str, float], folder: Path) -> None:
        """Take the evaluation, and where the run is kept."""

    def failed(self) -> None:
        """Take that there is none: the run ended before."""


class Tracked:
    """The listeners of one run.

    Args:
        trackers: by their names.
        monitor: what an epoch is validated by.
    """

    def __init__(self, trackers: Mapping[str, Tracker], monitor: str) -> None:
        self._trackers, self._monitor = dict(trackers), monitor

    def epoch(self, epoch: Epoch) -> None:
        """Tell of an epoch."""
        values = {f"validation_{self._monitor}": epoch.monitored}
        if epoch.loss is not None:
            values["loss"] = epoch.loss
        self._tell(lambda one: one.epoch(epoch.number, values))

    def end(self, bundle: Bundle, folder: Path) -> None:
        """Tell of the evaluation of a bundle, whose run is kept there."""
        own = own_results(bundle.metrics).items()
        values = {f"test_{name}": value for name, value in own if value is not None}
        self._tell(lambda one: one.end(bundle.manifest.version, values, folder))

    def failed(self) -> None:
        """Tell that the run came to nothing."""
        self._tell(lambda one: one.failed())

    def _tell(self, call: Callable[[Tracker], None]) -> None:
        for name, tracker in [*self._trackers.items()]:
            try:
                call(tracker)
            except Exception:
                _log.exception("%s failed, and is told no more of this run", name)
                del self._trackers[name]


class TensorBoard:
    """Writes event files that ``tensorboard --logdir`` shows."""

    def __init__(self, config: Config, runs: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(_new_place(runs / "tensorboard")))
        for name, value in _settings(config).items():
            self._writer.add_text(name, str(value))

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """See :class:`Tracker`."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, number)
        self._writer.flush()

    def end(self, version: str, values: Mapping[str, float], folder: Path) -> None:
        """See :class:`Tracker`."""
        self._writer.add_text("bundle", version)
        self._writer.add_text("kept in", folder.name)
        for name, value in values.items():
            self._writer.add_scalar(name, value)
        self._writer.close()

    def failed(self) -> None:
        """See :class:`Tracker`."""
        self._writer.add_text("ended", "failed")
        self._writer.close()


class MlFlow:
    """Logs to the server or directory that ``MLFLOW_TRACKING_URI`` names."""

    def __init__(self, config: Config, _: Path) -> None:
        import mlflow

        self._mlflow = mlflow
        mlflow.start_run()
        mlflow.log_params({name: str(value)[:500] for name, value in _settings(config).items()})

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """See :class:`Tracker`."""
        self._mlflow.log_metrics(dict(values), step=number)

    def end(self, version: str, values: Mapping[str, float], folder: Path) -> None:
        """See :class:`Tracker`."""
        self._mlflow.set_tag("bundle", version)
        self._mlflow.log_metrics(dict(values))
        self._mlflow.log_artifacts(str(folder))
        self._mlflow.end_run()

    def failed(self) -> None:
        """See :class:`Tracker`."""
        self._mlflow.end_run("FAILED")


TRACKERS: dict[str, Callable[[Config, Path], Tracker]] = {
    "tensorboard": TensorBoard,
    "mlflow": MlFlow,
}


def tracked(names: Sequence[str], config: Config, runs: Path) -> Tracked:
    """Return the listeners that are asked for.

    Args:
        names: of :data:`TRACKERS`.
        config: of the run.
        runs: where runs are kept.

    Raises:
        ClickthroughError: a name is unknown, or its library is not installed.
    """
    for name in names:
        if name not in TRACKERS:
            raise ClickthroughError(f"--track: {unknown_name(name, 'listener', list(TRACKERS))}")
    made: dict[str, Tracker] = {}
    for name in dict.fromkeys(names):
        try:
            made[name] = TRACKERS[name](config, runs)
        except ModuleNotFoundError as error:
            hint = install_hint("tracking")
            raise ClickthroughError(f"--track: '{error.name}' is missing: {hint}") from None
        except Exception as error:
            raise ClickthroughError(f"--track {name}: cannot begin: {error}") from None
    return Tracked(made, config.training.monitor)


def _settings(config: Config) -> dict[str, Any]:
    """Return the settings of a run, flat."""
    given = config.model_dump(mode="json", include=_SECTIONS)
    return {f"{s}.{name}": value for s, own in given.items() for name, value in own.items()}


def _new_place(folder: Path) -> Path:
    """Return a directory that no run before has used."""
    taken = [int(one.name) for one in folder.glob("*") if one.name.isdecimal()]
    return folder / str(max(taken, default=0) + 1)
