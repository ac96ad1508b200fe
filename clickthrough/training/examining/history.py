"""How a configuration came to be: the search and the selection that wrote it."""

import csv
import json
from pathlib import Path
from typing import Any

_TRIALS, _SELECTION = "trials.csv", "selection.json"
_MOST_TRIALS = 1_000
_LARGEST = 5_000_000
"""Bytes of a file: what ``tune`` and ``select`` write is smaller."""


def history_of(config: str) -> dict[str, Any]:
    """Read what ``tune`` and ``select`` left beside a configuration.

    Args:
        config: a file, or the name of a preset, which has no history.

    Returns:
        ``tuning``: ``metric``, and ``trials``: [number, value] of those that were completed;
        ``selection``: candidates, what was kept, ``curve``. Only what there is.
    """
    folder = Path(config).parent
    if not Path(config).is_file():
        return {}
    read = {"tuning": _tuning(folder / _TRIALS), "selection": _selection(folder / _SELECTION)}
    return {name: found for name, found in read.items() if found}


def _tuning(path: Path) -> dict[str, Any]:
    if not _is_small(path):
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        head = next(reader, [])
        if head[:2] != ["trial", "state"] or len(head) < 3:
            return {}
        rows = [row for row in reader if len(row) == len(head) and row[1] == "complete"]
    try:
        trials = [[int(row[0]), float(row[2])] for row in rows[:_MOST_TRIALS]]
    except ValueError:
        return {}
    return {"metric": head[2], "trials": sorted(trials)}


def _selection(path: Path) -> dict[str, Any]:
    if not _is_small(path):
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    wanted = ("candidates", "kept", "validation", "retained", "curve")
    if not isinstance(found, dict) or any(name not in found for name in wanted):
        return {}
    return {name: found[name] for name in wanted}


def _is_small(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= _LARGEST
