"""The record of a model and its baselines, as JSON can hold it."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.config.evaluation import Evaluation
from clickthrough.evaluation.bootstrap import Samples, interval, resampled
from clickthrough.evaluation.curves import curves
from clickthrough.evaluation.evidence import beyond_chance, thin_test
from clickthrough.evaluation.gap import gaps_closed
from clickthrough.evaluation.metrics import all_metrics
from clickthrough.evaluation.reliability import reliability_rows
from clickthrough.evaluation.slices import Slice, sliced

Floats = NDArray[np.float64]

TRUTH = "truth"
COMPARED = ("map_at_12", "request_auc", "auc", "log_loss", "regret")
"""Metrics of which the difference to each other name is given."""
_SLICED = ("smoothed item rate", "LightGBM", "truth", "observable oracle")
"""What stands beside the model in slices."""


def evaluation(
    labels: NDArray[np.int8],
    offsets: NDArray[np.int64],
    predictions: Mapping[str, Floats],
    counters: str,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Evaluate predictions of the same impressions.

    Args:
        labels: 0 or 1, shape (n,).
        offsets: where each request starts, and the end.
        predictions: name -> probabilities, shape (n,); ``truth`` are those that the clicks were
            drawn with.
        counters: ``live`` or ``frozen``.
        notes: what a reader of the figures should know, beside how few clicks there are.

    Returns:
        A record that JSON can hold: what was evaluated, every metric of every name, its ``curves``
        (:func:`clickthrough.evaluation.curves.curves`), and the ``reliability`` of the first
        (:mod:`clickthrough.evaluation.reliability`); with a truth
        also the regret, and ``gap_closed`` (:func:`clickthrough.evaluation.gap.gaps_closed`).
    """
    truth = predictions.get(TRUTH)
    results = {
        name: known(all_metrics(labels, p, offsets, truth)) for name, p in predictions.items()
    }
    gaps = {} if truth is None else {"gap_closed": gaps_closed(results)}
    return {
        "counters": counters,
        "impressions": len(labels),
        "requests": len(offsets) - 1,
        "clicks": int(np.sum(labels == 1)),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "notes": [*thin_test(labels), *notes],
        "results": results,
        "reliability": reliability_rows(labels, next(iter(predictions.values()))),
        "curves": {name: curves(labels, p) for name, p in predictions.items()},
    } | gaps


def with_intervals(
    record: dict[str, Any],
    labels: NDArray[np.int8],
    offsets: NDArray[np.int64],
    predictions: Mapping[str, Floats],
    settings: Evaluation,
) -> dict[str, Any]:
    """Add bootstrap intervals to a record; the arguments are those that it was made of.

    Returns:
        The record with ``bootstrap``: the settings; ``intervals``, name -> metric -> (low, high);
        ``differences``, of the first name to each other one: name -> metric -> (difference, low,
        high), from the same resamples. A note says which of them is beyond chance.
    """
    if not settings.bootstrap:
        return record
    truth = predictions.get(TRUTH)
    samples = {
        name: resampled(labels, p, offsets, settings.bootstrap, settings.seed, truth)
        for name, p in predictions.items()
    }
    intervals = {
        name: {metric: interval(values, settings.confidence) for metric, values in own.items()}
        for name, own in samples.items()
    }
    differences = _differences(record["results"], samples, settings.confidence)
    about = settings.model_dump(include={"bootstrap", "confidence", "seed"})
    made = record | {"bootstrap": about | {"intervals": intervals, "differences": differences}}
    return made | {"notes": [*beyond_chance(made), *record["notes"]]}


def _differences(
    results: Mapping[str, Mapping[str, float | None]],
    samples: Mapping[str, Samples],
    confidence: float,
) -> dict[str, dict[str, list[float] | None]]:
    model, *others = samples

    def difference(metric: str, other: str) -> list[float] | None:
        ours, theirs = results[model][metric], results[other][metric]
        if ours is None or theirs is None:
            return None
        bounds = interval(samples[model][metric] - samples[other][metric], confidence)
        return bounds and [ours - theirs, *bounds]

    metrics = [metric for metric in COMPARED if metric in results[model]]
    return {other: {metric: difference(metric, other) for metric in metrics} for other in others}


def with_slices(
    record: dict[str, Any],
    labels: NDArray[np.int8],
    offsets: NDArray[np.int64],
    predictions: Mapping[str, Floats],
    slices: Mapping[str, Slice],
) -> dict[str, Any]:
    """Add metrics of slices to a record: of the model, and of what it is best compared with.

    Returns:
        The record with ``slices``: slice -> value -> impressions, clicks, ``results``.
    """
    truth, model = predictions.get(TRUTH), next(iter(predictions))
    chosen = {name: p for name, p in predictions.items() if name in (model, *_SLICED)}
    found = {
        name: sliced(labels, offsets, chosen, division, truth) for name, division in slices.items()
    }
    for parts in found.values():
        for part in parts.values():
            part["results"] = {name: known(metrics) for name, metrics in part["results"].items()}
    return record | ({"slices": found} if found else {})


def known(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Replace what rows do not define by None: JSON has no NaN."""
    return {name: None if math.isnan(value) else value for name, value in metrics.items()}
