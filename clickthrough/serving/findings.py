"""What the answer must name: fields that were missing, values that were never met."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.features.encoding.vocabulary import FIRST_KNOWN, MISSING, UNSEEN
from clickthrough.features.rows import LISTS, Value
from clickthrough.schema import Columns

Mask = NDArray[np.bool_]
Values = Mapping[str, Sequence[Value]]

_OF_FIELDS = ("field", "hashed")


@dataclass(frozen=True)
class Findings:
    """For each row, the log's names of its missing and of its unseen fields."""

    missing: list[list[str]]
    unseen: list[list[str]]


class Finder:
    """Looks for missing and unseen fields.

    A value is unseen where its field's vocabulary does not hold it, or where the counters of
    that field alone have never met it.
    """

    def __init__(self, bundle: Bundle) -> None:
        plan, self._name = bundle.plan, bundle.schema.input_name
        ids = {c.field: place for place, c in enumerate(plan.ids) if c.source in _OF_FIELDS}
        self._ids = np.array(list(ids.values()), np.int64)
        self._id_names = [self._name(field) for field in ids]
        others = [field for field in plan.fields if field not in ids]
        self._lists = [f for f in others if bundle.schema.fields[f] in LISTS]
        self._others = [field for field in others if field not in self._lists]
        ends = accumulate(bag.length for bag in plan.bags)
        self._bags = [
            (bag.field, slice(end - bag.length, end))
            for bag, end in zip(plan.bags, ends, strict=True)
            if bag.column == bag.field  # what a sequence holds was not sent by the caller
        ]
        self._ages = [(k.fields[0], k.age) for k in plan.key_sets if len(k.fields) == 1]

    def find(self, values: Values, columns: Columns, encoded: Encoded) -> Findings:
        """Return what is missing and what is unseen, row by row.

        Args:
            values: our field name -> a value a row, or one that all share.
            columns: the history columns.
            encoded: the model's input.
        """
        missing, unseen = _Named(len(encoded)), _Named(len(encoded))
        chosen = encoded.ids.take(self._ids, axis=1)
        rows, places = (chosen < FIRST_KNOWN).nonzero()
        for row, place, known in zip(
            rows.tolist(), places.tolist(), chosen[rows, places].tolist(), strict=True
        ):
            (missing if known == MISSING else unseen).rows[row].append(self._id_names[place])
        for field in self._others:
            if None in values[field]:
                missing.add(self._name(field), [value is None for value in values[field]])
        for field in self._lists:
            missing.add(self._name(field), _empty(values[field]))
        for field, span in self._bags:
            found = (encoded.bag_ids[:, span] == UNSEEN).any(axis=1)
            unseen.add(self._name(field), found.tolist())
        self._never_met(values, columns, unseen)
        return Findings(missing.rows, unseen.rows)

    def _never_met(self, values: Values, columns: Columns, unseen: "_Named") -> None:
        for field, column in self._ages:
            never = np.isnan(columns[column])
            if not never.any():
                continue
            sent = values[field]
            if len(sent) < len(never):  # a shared value, asked for as of several ticks
                sent = [*sent] * len(never)
            pairs = zip(never.tolist(), sent, strict=True)
            unseen.add(self._name(field), [new and v is not None for new, v in pairs])


class _Named:
    """Names found in rows.

    Args:
        rows: how many.
    """

    def __init__(self, rows: int) -> None:
        self.rows: list[list[str]] = [[] for _ in range(rows)]

    def add(self, name: str, found: Iterable[bool]) -> None:
        """Name a field in the rows where it was found, or in all that share it."""
        whole = list(found)
        if True not in whole:
            return
        whole = whole if len(whole) == len(self.rows) else whole * len(self.rows)
        for row, here in zip(self.rows, whole, strict=True):
            if here and name not in row:
                row.append(name)


def _empty(values: Sequence[Value]) -> list[bool]:
    """Say which lists hold nothing; one that rows share, of any length, is looked through once."""
    perhaps = [not value or (type(value) is list and value[0] is None) for value in values]
    if True not in perhaps:
        return perhaps
    distinct = {id(value): value for value in values}
    found = {
        key: not isinstance(value, list) or all(entry is None for entry in value)
        for key, value in distinct.items()
    }
    return [found[id(value)] for value in values]
