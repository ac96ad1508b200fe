"""How much disk preparing a log takes, as far as its columns tell: history, then encoded rows."""

import tempfile
from collections.abc import Collection
from pathlib import Path

from clickthrough.data.dataset import Dataset
from clickthrough.data.slices import height
from clickthrough.features.columns import KeySet, SequenceSet
from clickthrough.features.history.room import (
    code_bytes,
    kept_bytes,
    known_bytes,
    working_bytes,
)
from clickthrough.features.plan import Plan
from clickthrough.room import Need
from clickthrough.training.rows.table import rated

_NEVER_MISSING = ("request_size", "position")
_COUNTED = ("impressions", "clicks", "rate", "match")
_OFTEN, _SELDOM = 2.0, 1.4
"""Inputs that a number makes: itself, and where rows lack it whether it is missing."""
_LABEL, _REQUEST = 1, 8
REMEDY = "keep fewer features (clickthrough select), or name other places by data.cache and --out"


def preparing(
    dataset: Dataset,
    plan: Plan,
    lacking: Collection[KeySet | SequenceSet],
    rows: int,
    *,
    weighted: bool = False,
) -> list[Need]:
    """Return what it takes to compute history and to encode rows.

    Args:
        dataset: the log.
        plan: what is encoded.
        lacking: the sets whose history is yet to be computed.
        rows: how many are encoded.
        weighted: whether each has a weight.
    """
    every, place = dataset.report.impressions, dataset.path
    history = every * sum(map(kept_bytes, lacking))
    encoded = rows * row_bytes(plan, weighted=weighted) + _REQUEST * dataset.report.requests
    size = round(max(encoded, _work(dataset, lacking)))
    return [Need("history", round(history), place), Need("encoded rows", size, place)]


def _work(dataset: Dataset, lacking: Collection[KeySet | SequenceSet]) -> int:
    """Return what computing history takes meanwhile; it is gone before rows are encoded."""
    found, rows = dataset.views(), dataset.report.impressions
    views = 0 if found is None else height(found)
    most = max((working_bytes(of, rows, views) for of in lacking), default=0)
    return most + code_bytes(lacking, dataset.schema, rows + views)


def bundle_needs(dataset: Dataset, plan: Plan, place: Path) -> list[Need]:
    """Return what a bundle takes for what it knows of keys, roughly.

    It is put together beside the log, where its sets lie until all are written, and of one of them
    what it is made of.
    """
    rows, requests = dataset.report.impressions, dataset.report.requests
    sets: list[KeySet | SequenceSet] = [*plan.key_sets, *plan.sequence_sets]
    each = [round(known_bytes(one, rows, requests)) for one in sets]
    made = sum(each) + max(each, default=0)
    return [Need("snapshots", made, dataset.path), Need("bundle", sum(each), place)]


def module_needs(tables: int, rows: int, dense: int, checkpoints: Path) -> list[Need]:
    """Return what a module takes while it is trained, and where its bundle is written in the end.

    Args:
        tables: the bytes of its embedding tables.
        rows: how many rows they have.
        dense: the bytes of its other parameters.
        checkpoints: where they will lie, beside the bundle.
    """
    parameters = tables + dense
    # as they are and at their best; of a row one moment, of others two and their average
    state = 2 * parameters + 4 * rows + 3 * dense
    kept = 0 if checkpoints.is_dir() else state  # else it lies there already
    # one checkpoint is written while another lies there; later on, the bundle is
    after = max(state, 2 * parameters)
    return [
        Need("checkpoint", kept, checkpoints.parent),
        Need("next checkpoint or net and graph", after, checkpoints.parent),
        Need("graph while it is made", parameters, Path(tempfile.gettempdir())),
    ]


def row_bytes(plan: Plan, *, weighted: bool = False) -> float:
    """Return about how many bytes an encoded impression takes."""
    kinds = {measure.name: measure.kind for measure in plan.measures}
    numbers = sum(_inputs(kinds[column.measure]) for column in plan.numeric)
    entries = sum(bag.length for bag in plan.bags)
    values = len(plan.ids) + numbers + 2 * entries + len(rated(plan)) + weighted
    return 4 * values + _LABEL


def _inputs(kind: str) -> float:
    if kind in _NEVER_MISSING:
        return 1
    return _SELDOM if kind in _COUNTED else _OFTEN
