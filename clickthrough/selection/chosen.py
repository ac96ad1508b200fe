"""Some of the features of a prepared log."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.encoding.encoder import Encoded, Encoder
from clickthrough.training.prepare import Prepared
from clickthrough.training.rows.table import Table


def chosen(prepared: Prepared, names: Collection[str]) -> Prepared:
    """Return a prepared log with the columns of some features alone.

    Args:
        prepared: the log.
        names: of features, see :mod:`clickthrough.config.origins`. A rate that is smoothed towards
            that of another key stays as it is, though that key's own columns go.
    """
    encoder = _encoder(prepared.encoder, names)
    columns = _columns(prepared.encoder, names)
    tables = {part: _table(table, *columns) for part, table in prepared.tables.items()}
    seen = None if prepared.seen is None else _table(prepared.seen, *columns)
    return Prepared(encoder, prepared.schema, tables, seen)


def _encoder(encoder: Encoder, names: Collection[str]) -> Encoder:
    plan = encoder.plan
    smaller = replace(
        plan,
        ids=tuple(column for column in plan.ids if column.origin in names),
        numeric=tuple(column for column in plan.numeric if column.origin in names),
        bags=tuple(column for column in plan.bags if column.origin in names),
    )
    return Encoder(smaller, encoder.vocabularies, encoder.scalers, encoder.prior)


Places = NDArray[np.int64]


def _columns(encoder: Encoder, names: Collection[str]) -> tuple[Places, Places, Places]:
    """Return which ids, numbers and places of bags are the features'."""
    slots = encoder.slots
    ids, numbers = (
        np.flatnonzero([slot.origin in names for slot in slots if slot.kind == kind])
        for kind in ("id", "number")
    )
    bags = [slot for slot in slots if slot.kind in ("bag", "sequence")]
    kept = [np.full(slot.length, slot.origin in names) for slot in bags]
    places = np.flatnonzero(np.concatenate([np.empty(0, bool), *kept]))
    return ids, numbers, places


def _table(table: Table, ids: Places, numbers: Places, places: Places) -> Table:
    own = table.inputs
    inputs = Encoded(
        own.ids[:, ids], own.numeric[:, numbers], own.bag_ids[:, places], own.bag_weights[:, places]
    )
    return replace(table, inputs=inputs)
