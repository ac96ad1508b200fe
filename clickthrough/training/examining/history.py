"""How a configuration came to be: the search and the selection that wrote it."""

import csv
import json
import logging
from math import isfinite
from pathlib import Path
from typing import Any

from clickthrough.config.tune import MILLISECONDS
from clickthrough.training.optim.monitor import sign_of

_log = logging.getLogger(__name__)
_TRIALS, _SELECTION = "trials.csv", "selection.json"
_BEST, _FRONT, _SELECTED = "best.yaml", "front", "selected.yaml"
"""Configurations that ``tune`` and ``select`` write."""
_MOST_TRIALS = 1_000
_LARGEST = 5_000_000
"""Bytes of a file: what ``tune`` and ``select`` write is smaller."""


def history_of(config: str) -> dict[str, Any]:
    """Read what ``tune`` and ``select`` left beside a configuration.

    Args:
        config: a file, or the name of a preset, which has no history.

    Returns:
        ``tuning``: ``metric``, ``lower_is_better``, and ``trials``: [number, value] of those that
        were completed; or ``selection``: candidates, what was kept, ``curve``. Nothing of a
        configuration that neither wrote, or where what they left cannot be read.
    """
    path = Path(config)
    if not path.is_file():
        return {}
    try:
        if path.name == _BEST or path.parent.name == _FRONT:
            above = path.parent.parent if path.parent.name == _FRONT else path.parent
            found = {"tuning": _tuning(above / _TRIALS)}
        else:
            wrote = path.name == _SELECTED
            found = {"selection": _selection(path.parent / _SELECTION)} if wrote else {}
    except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
        _log.warning("%s: what wrote it cannot be read: %s", path, error)
        return {}
    return {name: own for name, own in found.items() if own}


def _tuning(path: Path) -> dict[str, Any]:
    if not _is_small(path):
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        head = next(reader, [])
        if head[:2] != ["trial", "state"] or len(head) < 3:
            return {}
        rows = [row for row in reader if len(row) == len(head) and row[1] == "complete"]
    trials = [[int(row[0]), float(row[2])] for row in rows[:_MOST_TRIALS]]
    known = sorted(trial for trial in trials if isfinite(trial[1]))
    lower = head[2] in MILLISECONDS or sign_of(head[2]) < 0
    return {"metric": head[2], "trials": known, "lower_is_better": lower}


def _selection(path: Path) -> dict[str, Any]:
    if not _is_small(path):
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    curve = [{"features": int(one["features"]), "auc": float(one["auc"])} for one in found["curve"]]
    if not all(isfinite(point["auc"]) for point in curve):
        return {}
    kept = [str(name) for name in found["kept"]]
    return {"candidates": int(found["candidates"]), "kept": kept, "curve": curve}


def _is_small(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= _LARGEST
