"""Logs that give their label away: columns that tell it alone, parts that are one and the same."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clickthrough.calibration.credibility import rarer
from clickthrough.evaluation.evidence import NONE
from clickthrough.evaluation.metrics import auc
from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.training.prepare import Prepared
from clickthrough.training.rows.table import Table

Floats = NDArray[np.float64]

SUSPICIOUS = 0.99
"""The least AUC that is told: click models of real logs reach .6 to .9."""
_MOST_ROWS = 200_000
"""Rows of a part that are looked at, evenly spread: enough for an AUC to three digits."""
_QUANTILES = np.linspace(0, 1, 65)[1:-1]
"""Where a number is divided: so that it need not rise or fall with the click rate."""
_MOST_NAMED = 10


def giveaways(prepared: Prepared, found: float | None) -> list[str]:
    """Say what makes the figures of the test part too good to be true, a sentence each.

    Args:
        prepared: its tables; click rates of values are of the training part, or of validation
            where that is all there is.
        found: the AUC of the model on the test part; None where it has none.
    """
    tables = prepared.tables
    test, validation = tables["test"], tables["validation"]
    said = ["the validation part and the test part hold the same rows"] * same(
        validation, test, prepared.encoder
    )
    if rarer(test.labels) < NONE:
        return said
    names = telling_columns(prepared.encoder, tables.get("train", validation), test)
    named = f"columns that alone reach {SUSPICIOUS:.2f}: {_listed(names)}"
    if found is not None and found >= SUSPICIOUS:
        clicks = int(np.sum(test.labels == 1))
        line = f"AUC {found:.4f} on {clicks:,} clicks: such a log mostly gives its label away"
        return [*said, f"{line}; {named}" if names else line]
    return [*said, f"AUC: {named}; such columns mostly give the label away"] if names else said


def telling_columns(encoder: Encoder, train: Table, test: Table) -> list[str]:
    """Return the columns that tell the label of the test part, each alone.

    Rows are scored by the click rate that their value had in training; by a number also as it
    is, up or down.
    """
    train_rows, test_rows = _spread(len(train)), _spread(len(test))
    clicked, labels = train.labels[train_rows] == 1, test.labels[test_rows]
    pairs = zip(
        _columns(encoder, train.inputs[train_rows]),
        _columns(encoder, test.inputs[test_rows]),
        strict=True,
    )
    return [
        seen.name
        for seen, asked in pairs
        if max(auc(labels, scores) for scores in _scores(seen, clicked, asked)) >= SUSPICIOUS
    ]


def same(one: Table, other: Table, encoder: Encoder) -> bool:
    """Say whether two parts hold the same labels, ids and plain numbers, row for row.

    What is made of history is left aside: of the later part it would hold the earlier one.
    """
    plain = {m.name for m in encoder.plan.measures if m.kind == "field"}
    numeric = [place for place, column in enumerate(encoder.plan.numeric) if column.name in plain]
    if len(one) != len(other) or not (encoder.plan.ids or numeric):
        return False
    if not np.array_equal(one.labels, other.labels):
        return False
    return np.array_equal(one.inputs.ids, other.inputs.ids) and all(
        np.array_equal(one.inputs.numeric[:, place], other.inputs.numeric[:, place])
        for place in numeric
    )


def _spread(rows: int) -> slice:
    return slice(None, None, max(1, -(-rows // _MOST_ROWS)))


@dataclass(frozen=True)
class _Column:
    """An input of the model: ids with weights, each of shape (n, length); or numbers, (n, 1)."""

    name: str
    values: NDArray[np.int32] | NDArray[np.float32]
    weights: Floats | None


def _columns(encoder: Encoder, inputs: Encoded) -> Iterator[_Column]:
    for place, name in enumerate(encoder.id_sizes):
        yield _Column(name, inputs.ids[:, place : place + 1], np.ones((len(inputs), 1)))
    end = 0
    for name, (_, length) in encoder.bag_shapes.items():
        start, end = end, end + length
        weights = inputs.bag_weights[:, start:end].astype(np.float64)
        yield _Column(name, inputs.bag_ids[:, start:end], weights)
    for place, name in enumerate(encoder.numeric_names):
        yield _Column(name, inputs.numeric[:, place : place + 1], None)


def _scores(seen: _Column, clicked: NDArray[np.bool_], asked: _Column) -> Iterator[Floats]:
    """Yield scores of rows by one column, each of shape (asked,)."""
    if seen.weights is not None and asked.weights is not None:
        yield _rates(seen.values, seen.weights, clicked, asked.values, asked.weights)
        return
    numbers = asked.values[:, 0].astype(np.float64)
    yield from (numbers, -numbers)
    edges = np.unique(np.quantile(seen.values.astype(np.float64), _QUANTILES))
    bins, own = (np.searchsorted(edges, column.values) for column in (seen, asked))
    yield _rates(bins, np.ones(bins.shape), clicked, own, np.ones(own.shape))


def _rates(
    seen: NDArray[np.generic],
    weights: Floats,
    clicked: NDArray[np.bool_],
    asked: NDArray[np.generic],
    asked_weights: Floats,
) -> Floats:
    """Return the click rate in training of the ids of each row, smoothed, weighted, (asked,)."""
    seen, asked = seen.astype(np.int64), asked.astype(np.int64)
    size = 1 + max(int(seen.max(initial=0)), int(asked.max(initial=0)))
    total = np.bincount(seen.ravel(), weights.ravel(), size)
    clicks = np.bincount(seen.ravel(), (weights * clicked[:, None]).ravel(), size)
    rate = (clicks + clicked.mean()) / (total + 1)
    made: Floats = (rate[asked] * asked_weights).sum(axis=1)
    return made


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
