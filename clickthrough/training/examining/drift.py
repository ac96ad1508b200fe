"""How far what a model is fed moved from training to the test."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickthrough.explain.groups import Groups
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.features.encoding.vocabulary import MISSING, UNSEEN

_ROWS = 50_000
"""Of each part, evenly spread."""
_BINS = 10
_FREQUENT = 20
"""Ids that are counted each; the others together."""
_LEAST = 1e-4
"""A share that is smaller counts as this one: no bin decides alone."""
Shares = NDArray[np.float64]


def drift(groups: Groups, train: Encoded, test: Encoded) -> list[dict[str, Any]]:
    """Compare the inputs of two parts, feature by feature.

    The population stability index is the sum over bins of (q - p) ln(q / p), p and q the shares of
    training and test: up to .1 is taken for no change, above .25 for a large one (Siddiqi, 2006).
    Numbers are divided at the deciles of training, ids into missing, unseen, the 20 most frequent
    and all others.

    Args:
        groups: which inputs are whose.
        train: inputs of the training part.
        test: inputs of the test part.

    Returns:
        Of each group: ``feature``, ``psi`` (of the input that moved most), and the shares of its
        ids that were ``unseen`` or ``missing`` in training and test, where it has ids.
    """
    before, after = sampled(train), sampled(test)
    found: list[dict[str, Any]] = [
        {"feature": group.name, "words": group.words, "psi": 0.0} for group in groups.every
    ]
    for group, one, other in _columns(groups, before, after):
        index = stability(*_binned(one, other))
        found[group]["psi"] = max(found[group]["psi"], round(index, 5))
        if one.dtype.kind == "i":
            for name, id_ in (("missing", MISSING), ("unseen", UNSEEN)):
                shares = [round(float(np.mean(column == id_)), 5) for column in (one, other)]
                found[group].setdefault(name, shares)
    return sorted(found, key=lambda one: -one["psi"])


def sampled(inputs: Encoded, most: int = _ROWS) -> Encoded:
    """Return rows that are evenly spread, so many at most."""
    return inputs if len(inputs) <= most else inputs[evenly(len(inputs), most)]


def evenly(rows: int, most: int) -> NDArray[np.int64]:
    """Return places among rows that are evenly spread, so many at most."""
    return np.linspace(0, rows - 1, min(most, rows)).astype(np.int64)


def stability(before: Shares, after: Shares) -> float:
    """Return the population stability index of the shares of bins.

    >>> round(stability(np.array([0.5, 0.5]), np.array([0.6, 0.4])), 4)
    0.0405
    """
    p, q = np.maximum(before, _LEAST), np.maximum(after, _LEAST)
    return float(np.sum((q - p) * np.log(q / p)))


def _columns(
    groups: Groups, before: Encoded, after: Encoded
) -> Iterator[tuple[int, NDArray[Any], NDArray[Any]]]:
    """Yield the columns of ids, numbers and bags, each with its group."""
    for place, group in enumerate(groups.ids):
        yield int(group), before.ids[:, place], after.ids[:, place]
    for place, group in enumerate(groups.numeric):
        yield int(group), before.numeric[:, place], after.numeric[:, place]
    for place, group in enumerate(groups.bags):
        yield int(group), before.bag_ids[:, place], after.bag_ids[:, place]


def _binned(before: NDArray[Any], after: NDArray[Any]) -> tuple[Shares, Shares]:
    """Return the shares of bins that the first column divides."""
    if before.dtype.kind == "i":
        values, counts = np.unique(before, return_counts=True)
        often = values[np.argsort(-counts, kind="stable")[:_FREQUENT]]
        edges = np.unique([MISSING, UNSEEN, *often.tolist()])
        return _of_values(before, edges), _of_values(after, edges)
    edges = np.unique(np.quantile(before, np.linspace(0, 1, _BINS + 1)[1:-1]))
    return _of_ranges(before, edges), _of_ranges(after, edges)


def _of_values(column: NDArray[Any], values: NDArray[Any]) -> Shares:
    places = np.searchsorted(values, column).clip(0, len(values) - 1)
    places = np.where(values[places] == column, places, len(values))
    return np.bincount(places, minlength=len(values) + 1) / max(len(column), 1)


def _of_ranges(column: NDArray[Any], edges: NDArray[Any]) -> Shares:
    places = np.searchsorted(edges, column, side="right")
    return np.bincount(places, minlength=len(edges) + 1) / max(len(column), 1)
