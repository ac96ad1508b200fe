"""Keeping a run: its configuration, what it came to, its report."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from clickthrough.bundle.load import Bundle
from clickthrough.bundle.save import kept_settings
from clickthrough.errors import ClickthroughError
from clickthrough.whole_file import write_whole

RUNS = "runs"
CONFIG, METRICS, MANIFEST = "config.yaml", "metrics.json", "manifest.json"


def keep_run(bundle: Bundle, runs: Path) -> Path:
    """Keep a run in a directory of its own.

    Args:
        bundle: what it left; the next run takes its place.
        runs: the directory of all runs, which is made where it is missing.

    Returns:
        The run's directory, ``<time>-<version>``.

    Raises:
        ClickthroughError: it cannot be written.
    """
    created = datetime.fromisoformat(bundle.manifest.created)
    stem = f"{created:%Y%m%d-%H%M%S}-{bundle.manifest.version}"
    try:
        folder = _made(runs, stem)
    except OSError as error:
        raise ClickthroughError(f"{runs}: cannot be written: {error}") from None
    settings = yaml.safe_dump(kept_settings(bundle.config), sort_keys=False, allow_unicode=True)
    write_whole(folder / CONFIG, settings)
    write_whole(folder / METRICS, json.dumps(bundle.metrics, indent=2) + "\n")
    write_whole(folder / MANIFEST, bundle.manifest.model_dump_json(indent=2) + "\n")
    return folder


def _made(runs: Path, stem: str) -> Path:
    """Make a directory that nobody else has made."""
    runs.mkdir(parents=True, exist_ok=True)
    place = 1
    while True:
        folder = runs / (stem if place == 1 else f"{stem}-{place}")
        try:
            folder.mkdir()
        except FileExistsError:
            place += 1
            continue
        return folder


def own_results(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """Return what a model came to on its test part; nothing where there was none."""
    results = (metrics.get("test") or {}).get("results") or {}
    return next(iter(results.values()), {})


def is_run(folder: Path) -> bool:
    """Say whether a directory is one of a run."""
    named = re.fullmatch(r"\d{8}-\d{6}-\w+(-\d+)?", folder.name) is not None
    return named and (folder / METRICS).is_file()
