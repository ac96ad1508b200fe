"""What a reader should know before believing figures: how little they rest on, and what beats what.

Sentences for the ``notes`` of a record, which stand under its table.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer]

NONE, FEW = 10, 100
"""Rows of the rarer class. Of 10 a click rate has a standard error of a third of itself, of 100
one of a tenth: a difference between two good models is smaller than either."""
ORACLES = ("truth", "observable oracle")
"""Names in a record that no model can be asked to beat."""
JUDGED = "log_loss"
"""What decides whether one name beats another: the loss of the probability itself, lower better."""


def thin_test(labels: Labels) -> list[str]:
    """Warn of a test part with few clicks, or with few rows without; labels of shape (n,)."""
    return [
        f"{found} in the test part: these figures {_worth(count)}"
        for count, found in _scarce(labels)
    ]


def thin_validation(labels: Labels) -> list[str]:
    """Warn of a validation part on which neither epochs nor a calibration can be told apart."""
    return [
        f"{found} in the validation part, which chose and calibrated: its choices {_worth(count)}"
        for count, found in _scarce(labels)
    ]


def _scarce(labels: Labels) -> list[tuple[int, str]]:
    """Return the classes that have few rows: how many, and how to say so."""
    clicks = int(np.sum(labels == 1))
    counted = ((clicks, "click", ""), (len(labels) - clicks, "impression", " without a click"))
    return [
        (count, f"{count} {name}{'' if count == 1 else 's'}{what}")
        for count, name, what in counted
        if count < FEW
    ]


def _worth(count: int) -> str:
    return "mean nothing" if count < NONE else "are mostly chance"


def beyond_chance(record: Mapping[str, Any]) -> list[str]:
    """Say in a sentence whether the first name beats the others, by intervals of the differences.

    Args:
        record: one with ``bootstrap``; see :func:`clickthrough.evaluation.report.with_intervals`.

    Returns:
        Nothing where there is nothing to compare with.
    """
    model = next(iter(record["results"]))
    found = differences_to_baselines(record)
    if not found:
        return []
    clicks, rows = record["clicks"], record["impressions"]
    if min(clicks, rows - clicks) < NONE:
        return [f"whether {model} beats its baselines cannot be told from so few"]
    beaten = [name for name, (_, _, high) in found.items() if high < 0]
    lost = [name for name, (_, low, _) in found.items() if low > 0]
    share = f"by {100 * record['bootstrap']['confidence']:g}% intervals of log loss"
    return [f"{share}, {_told(model, beaten, lost, list(found))}"]


def differences_to_baselines(
    record: Mapping[str, Any], metric: str = JUDGED
) -> dict[str, list[float]]:
    """Return the difference of the first name to each baseline, with both ends of its interval.

    Args:
        record: an evaluation; without ``bootstrap`` there are none. Its ``rivals`` are models that
            were fitted beside the first, and no baselines.
        metric: of which; none is told where rows do not define it.
    """
    differences = record.get("bootstrap", {}).get("differences", {})
    others = (*ORACLES, *record.get("rivals", ()))
    return {
        name: metrics[metric]
        for name, metrics in differences.items()
        if name not in others and metrics.get(metric) is not None
    }


def _told(model: str, beaten: list[str], lost: list[str], names: list[str]) -> str:
    if len(beaten) == len(names):
        return f"{model} beats every baseline beyond chance"
    parts = [f"{model} beats {', '.join(beaten)} beyond chance"] if beaten else []
    parts += [f"{', '.join(lost)} beat{'s' if len(lost) == 1 else ''} {model}"] if lost else []
    even = [name for name in names if name not in beaten and name not in lost]
    parts += [f"{model} and {', '.join(even)} do not differ beyond chance"] if even else []
    return "; ".join(parts)
