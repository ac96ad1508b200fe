"""The verdict in a sentence or two: does the model beat its baselines, and can it be trusted?"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from clickthrough.evaluation.evidence import JUDGED, NONE, differences_to_baselines
from clickthrough.evaluation.reliability import with_intervals

_TRUSTED = (0.95, 1.05)
"""Calibration ratio: mean prediction by click rate, within which the level is right."""
_NINETY = 1.645
"""Standard errors on either side of what comes by chance in nine of ten cases."""
_OFF = 0.1
"""Expected calibration error by click rate, beyond which single predictions mislead."""


class Verdict(NamedTuple):
    """What is said, and how it is marked: ``good``, ``mixed`` or ``bad``, each with its word."""

    mark: str
    sentence: str


def verdicts(record: Mapping[str, Any]) -> list[Verdict]:
    """Judge a model by its evaluation.

    Args:
        record: see :func:`clickthrough.evaluation.report.evaluation`.

    Returns:
        Whether it beats its baselines, and whether its probabilities can be trusted.
    """
    clicks = record["clicks"]
    if min(clicks, record["impressions"] - clicks) < NONE:
        few = f"the test part has {clicks:,} clicks in {record['impressions']:,} impressions"
        return [Verdict("bad", f"Nothing can be said: {few}.")]
    return [*_beats(record), _trust(record)]


def _beats(record: Mapping[str, Any]) -> list[Verdict]:
    model = next(iter(record["results"]))
    found = differences_to_baselines(record)
    if not found:
        return []
    rest = {name: difference for name, difference in found.items() if name != "constant"} or found
    nearest, (gap, low, high) = max(rest.items(), key=lambda item: item[1][0])
    loss = record["results"][model][JUDGED]
    than = f"log loss {loss:.4f}, {abs(gap):.4f} {'below' if gap < 0 else 'above'} {nearest}"
    sure = f"interval {low:+.4f} to {high:+.4f}"
    if high < 0:
        return [Verdict("good", f"{model} beats every baseline beyond chance: {than} ({sure}).")]
    if low > 0:
        return [Verdict("bad", f"{model} is worse than {nearest}: {than} ({sure}).")]
    lost = [name for name, (_, low, _) in rest.items() if low <= 0 <= rest[name][2]]
    return [
        Verdict(
            "mixed", f"{model} cannot be told apart from {' and '.join(lost)}: {than} ({sure})."
        )
    ]


def _trust(record: Mapping[str, Any]) -> Verdict:
    metrics = next(iter(record["results"].values()))
    ratio, error = metrics["calibration_ratio"], metrics["ece"]
    rate = record["clicks"] / record["impressions"]
    found = with_intervals(record["reliability"])
    inside, bins = sum(one["low"] <= one["predicted"] <= one["high"] for one in found), len(found)
    figures = (
        f"{ratio:.3f} clicks predicted for each that came; {inside} of {bins} bins of predictions "
        f"within the interval of their click rate; mean gap {error:.4f} at a click rate of "
        f"{rate:.4f}"
    )
    level = _TRUSTED[0] <= ratio <= _TRUSTED[1]
    # of so many clicks that come by chance, a right level is missed by so much in one of ten logs
    chance = _NINETY / math.sqrt(record["clicks"])
    if not level and abs(ratio - 1) <= chance:
        few = f"{record['clicks']:,} clicks cannot tell"
        return Verdict("mixed", f"Whether its probabilities can be trusted {few}: {figures}.")
    if level and error <= _OFF * rate:
        return Verdict("good", f"Its probabilities can be trusted: {figures}.")
    if level:
        return Verdict("mixed", f"Its probabilities are right in the mean, not each: {figures}.")
    return Verdict("bad", f"Its probabilities are off: {figures}.")
