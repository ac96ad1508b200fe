"""What runs say together: mean and deviation over seeds, paired differences over requests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.comparison.run import Outcome
from clickthrough.config.evaluation import Evaluation
from clickthrough.evaluation.bootstrap import Samples, interval, resampled
from clickthrough.evaluation.report import COMPARED

Floats = NDArray[np.float64]
Spread = tuple[float, float | None]
"""Mean and deviation; of one run there is none."""
MEASURES = ("seconds", "epochs", "weights", "megabytes", "ms_1", "ms_100")


@dataclass(frozen=True)
class Row:
    """A contender over its seeds.

    Attributes:
        name: of the contender.
        seeds: how many runs.
        validation: mean and deviation of the monitored metric, by its name.
        test: metric -> mean and deviation over seeds; None where no run defines it.
        measures: what it takes -> the median over seeds.
        differences: metric -> difference of the means to the first contender's, with both ends of
            its interval over resampled requests.
    """

    name: str
    seeds: int
    validation: dict[str, Spread]
    test: dict[str, Spread | None]
    measures: dict[str, float]
    differences: dict[str, list[float] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """What a comparison came to.

    Attributes:
        rows: a contender each, in the order in which they were named.
        impressions: of the test part.
        requests: of the test part.
        clicks: of the test part.
        confidence: of the intervals.
        resamples: of the requests.
    """

    rows: list[Row]
    impressions: int
    requests: int
    clicks: int
    confidence: float
    resamples: int


def summarized(
    outcomes: Sequence[Outcome],
    labels: NDArray[np.int8],
    offsets: NDArray[np.int64],
    settings: Evaluation,
) -> Summary:
    """Summarize runs.

    Args:
        outcomes: every run of every contender.
        labels: of the test part, 0 or 1, shape (n,).
        offsets: where each request starts, and the end.
        settings: resamples and confidence. A resample draws the same requests for every run; a
            contender's value in it is the mean over its seeds.
    """
    runs: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        runs.setdefault(outcome.contender, []).append(outcome)
    samples = {
        name: _mean_samples([_resampled(one, labels, offsets, settings) for one in own])
        for name, own in runs.items()
        if settings.bootstrap
    }
    first = next(iter(runs))
    rows = [_row(name, own) for name, own in runs.items()]
    for row in rows[1:] if samples else []:
        row.differences.update(
            _differences(row, rows[0], samples[row.name], samples[first], settings.confidence)
        )
    return Summary(
        rows,
        len(labels),
        len(offsets) - 1,
        int(np.sum(labels == 1)),
        settings.confidence,
        settings.bootstrap,
    )


def _resampled(
    one: Outcome, labels: NDArray[np.int8], offsets: NDArray[np.int64], settings: Evaluation
) -> Samples:
    return resampled(labels, one.probabilities, offsets, settings.bootstrap, settings.seed)


def _mean_samples(some: list[Samples]) -> Samples:
    return {name: np.mean([own[name] for own in some], axis=0) for name in some[0]}


def _row(name: str, own: Sequence[Outcome]) -> Row:
    return Row(
        name,
        len(own),
        {m: _spread([o.figures["validation"][m] for o in own]) for m in _keys(own, "validation")},
        {m: _known_spread([o.figures["test"][m] for o in own]) for m in _keys(own, "test")},
        {m: float(np.median([one.figures[m] for one in own])) for m in MEASURES},
    )


def _keys(own: Sequence[Outcome], part: str) -> list[str]:
    return list(own[0].figures[part])


def _spread(values: Sequence[float]) -> Spread:
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return float(np.mean(values)), deviation


def _known_spread(values: Sequence[Any]) -> Spread | None:
    return None if None in values else _spread(values)


def _differences(
    row: Row, first: Row, own: Samples, other: Samples, confidence: float
) -> dict[str, list[float] | None]:
    made: dict[str, list[float] | None] = {}
    for metric in COMPARED:
        ours, theirs = row.test.get(metric), first.test.get(metric)
        if ours is None or theirs is None:
            continue
        bounds = interval(own[metric] - other[metric], confidence)
        made[metric] = bounds and [ours[0] - theirs[0], *bounds]
    return made
