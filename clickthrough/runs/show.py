"""Runs that were kept, listed and compared."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from clickthrough.config.yaml_text import read_yaml
from clickthrough.errors import ClickthroughError
from clickthrough.evaluation.tables import COLUMNS
from clickthrough.runs.keep import CONFIG, METRICS, is_run, own_results

_SHOWN = ("auc", "request_auc", "map_at_12", "log_loss", "normalized_entropy", "calibration_ratio")
_LARGEST = 50_000_000
"""Bytes of a file of a run: what is kept is smaller."""


@dataclass(frozen=True)
class Kept:
    """A run as it was kept."""

    folder: Path
    config: dict[str, Any]
    metrics: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of its directory."""
        return self.folder.name

    @property
    def results(self) -> dict[str, float | None]:
        """What its model came to on its test part; nothing where there was none."""
        return own_results(self.metrics)


def kept_runs(runs: Path) -> tuple[list[Kept], list[str]]:
    """Return the runs of a directory, the earliest first, and what is wrong with others.

    Raises:
        ClickthroughError: there is no such directory.
    """
    if not runs.is_dir():
        raise ClickthroughError(f"{runs}: no such directory; 'clickthrough train' makes it")
    found: list[Kept] = []
    wrong: list[str] = []
    for folder in sorted(one for one in runs.iterdir() if is_run(one)):
        try:
            found.append(read_run(folder))
        except ClickthroughError as error:
            wrong.append(str(error))
    return found, wrong


def read_run(folder: Path) -> Kept:
    """Read a run.

    Raises:
        ClickthroughError: it is none, or cannot be read.
    """
    if not is_run(folder):
        raise ClickthroughError(f"{folder}: no run; 'clickthrough runs' lists those that there are")
    try:
        texts = [_text(folder / name) for name in (CONFIG, METRICS)]
        config, metrics = read_yaml(texts[0]), json.loads(texts[1])
    except (OSError, ValueError, RecursionError) as error:
        raise ClickthroughError(f"{folder}: cannot be read: {error}") from None
    kept = isinstance(config, dict) and isinstance(config.get("model"), dict)
    if not kept or not isinstance(metrics, dict):
        raise ClickthroughError(f"{folder}: holds no configuration and no metrics")
    return Kept(folder, config, metrics)


def listed(runs: Sequence[Kept]) -> Table:
    """Return a table of runs."""
    table = Table("run", "model", "log")
    shown = [name for name in _SHOWN if any(run.results.get(name) is not None for run in runs)]
    for name in shown:
        table.add_column(COLUMNS[name][0], justify="right")
    for run in runs:
        cells = (_cell(run.results.get(name), name) for name in shown)
        log = str(run.metrics.get("log", {}).get("fingerprint", "–"))
        table.add_row(run.name, str(run.config["model"]["name"]), log[:8], *cells)
    return table


def compared(runs: Sequence[Kept]) -> Iterator[Table]:
    """Return what runs came to side by side, and the settings in which they differ."""
    names = [run.name for run in runs]
    figures = Table("", *names)
    for metric in _SHOWN:
        values = [run.results.get(metric) for run in runs]
        if any(value is not None for value in values):
            heading = COLUMNS[metric][0].replace("\n", " ")
            figures.add_row(heading, *(_cell(value, metric) for value in values))
    yield figures
    settings = [dict(_flat("", run.config)) for run in runs]
    table = Table("setting", *names)
    for key in dict.fromkeys(key for own in settings for key in own):
        told = [own.get(key, "–") for own in settings]
        if len({*told}) > 1:
            table.add_row(key, *told)
    yield table


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - of YAML
    if not isinstance(value, dict):
        yield name, str(value)
        return
    for key, own in value.items():
        yield from _flat(f"{name}.{key}" if name else str(key), own)


def _cell(value: float | None, metric: str) -> str:
    return "–" if value is None else COLUMNS[metric][1].format(value)


def _text(path: Path) -> str:
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path.name} is larger than a run leaves")
    return path.read_text(encoding="utf-8")
