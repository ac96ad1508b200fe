"""How much of what can be reached is reached: the share of a gap that a prediction closes."""

from collections.abc import Mapping

BASELINE, TARGETS = "smoothed item rate", ("truth", "observable oracle")
METRICS = ("auc", "request_auc", "map_at_12")


def gaps_closed(
    results: Mapping[str, Mapping[str, float | None]],
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return the share of the gap from the smoothed item rate to each known target.

    Args:
        results: name -> metric -> value.

    Returns:
        Target -> name -> metric -> share: 0 for the smoothed item rate, 1 for the target, None
        where the target is not better than the smoothed item rate. Empty without either.
    """
    if BASELINE not in results:
        return {}
    base = results[BASELINE]
    return {
        target: {
            name: {m: gap_closed(found[m], base[m], results[target][m]) for m in METRICS}
            for name, found in results.items()
        }
        for target in TARGETS
        if target in results
    }


def gap_closed(found: float | None, base: float | None, target: float | None) -> float | None:
    """Return the share of the gap from ``base`` to ``target``; None where there is none.

    >>> gap_closed(0.75, 0.5, 1.0)
    0.5
    """
    if found is None or base is None or target is None or not target > base:
        return None
    return (found - base) / (target - base)
