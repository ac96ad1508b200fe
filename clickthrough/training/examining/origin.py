"""What reproduces a model: the command, the versions, the log, the seed."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from clickthrough._version import __version__
from clickthrough.config.root import Config
from clickthrough.data.caller import iso_time
from clickthrough.data.dataset import Dataset
from clickthrough.training.examining.days import by_day

_LIBRARIES = ("torch", "numpy", "polars", "lightgbm", "onnx", "onnxruntime")


def origin(config: Config, command: str | None) -> dict[str, Any]:
    """Return what reproduces a run, beside the configuration and the log."""
    return {
        "command": command,
        "seed": config.training.seed,
        "versions": {
            "clickthrough": __version__,
            "python": platform.python_version(),
            **{name: found for name in _LIBRARIES if (found := _installed(name))},
        },
        "machine": f"{platform.system()} {platform.machine()}",
    }


def log_record(dataset: Dataset, config: Config) -> dict[str, Any]:
    """Return what a report says of a log; its fingerprint names its content and how it was read."""
    report, timed = dataset.report, "time" in dataset.schema.roles
    return {
        "fingerprint": dataset.path.name,
        "impressions": report.impressions,
        "requests": report.requests,
        "clicks": report.clicks,
        "unlabelled": report.unlabelled,
        "first": iso_time(report.first) if timed else None,
        "last": iso_time(report.last) if timed else None,
        "notes": report.notes,
        "days": by_day(dataset, config.data.timezone),
    }


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
