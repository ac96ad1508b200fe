"""What the answer must name: fields that were missing, values that were never met."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from clickthrough.bundle.load import Bundle
from clickthrough.features.encoding.encoder import Encoded
from clickthrough.features.encoding.vocabulary import MISSING, UNSEEN
from clickthrough.features.rows import LISTS, Value
from clickthrough.schema import MISSING_INT, Columns

Mask = NDArray[np.bool_]
Values = Mapping[str, Sequence[Value]]

_OF_FIELDS = ("field", "hashed")
_FEW = 16
"""So many lists are looked at one by one: all at once would take longer."""


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
        plan, name = bundle.plan, bundle.schema.input_name
        ids = {c.field: place for place, c in enumerate(plan.ids) if c.source in _OF_FIELDS}
        self._ids = np.array(list(ids.values()), np.int64)
        others = [field for field in plan.fields if field not in ids]
        lists = [f for f in others if bundle.schema.fields[f] in LISTS]
        self._missing = _Names([*ids, *(f for f in others if f not in lists), *lists], name)
        self._others = [field for field in others if field not in lists]
        self._lists = lists
        ends = accumulate(bag.length for bag in plan.bags)
        self._bags = [
            (bag.field, slice(end - bag.length, end))
            for bag, end in zip(plan.bags, ends, strict=True)
            if bag.column == bag.field  # what a sequence holds was not sent by the caller
        ]
        self._ages = [(k.fields[0], k.age) for k in plan.key_sets if len(k.fields) == 1]
        perhaps = [*ids, *(field for field, _ in self._bags), *(field for field, _ in self._ages)]
        self._unseen = _Names(perhaps, name)

    def find(self, values: Values, columns: Columns, encoded: Encoded) -> Findings:
        """Return what is missing and what is unseen, row by row.

        Args:
            values: our field name -> a value a row, or one that all share.
            columns: the history columns, and the fields that are lists.
            encoded: the model's input.
        """
        rows, chosen = len(encoded), encoded.ids.take(self._ids, axis=1)
        missing, unseen = self._missing.nothing(rows), self._unseen.nothing(rows)
        missing[:, : len(self._ids)] = chosen == MISSING
        unseen[:, : len(self._ids)] = chosen == UNSEEN
        for field in self._others:
            if None in values[field]:
                missing[:, self._missing.place[field]] = [v is None for v in values[field]]
        for field in self._lists:
            own = values[field]
            if len(own) > _FEW and not _is_missing(columns[field][:, 0]).any():
                continue  # no first entry is missing, so no list is empty: the usual case
            empty = _empty(own)
            if True in empty:
                missing[:, self._missing.place[field]] = empty
        for field, span in self._bags:
            found = (encoded.bag_ids[:, span] == UNSEEN).any(axis=1)
            unseen[:, self._unseen.place[field]] |= found
        self._never_met(values, columns, unseen)
        return Findings(self._missing.of(missing), self._unseen.of(unseen))

    def _never_met(self, values: Values, columns: Columns, unseen: Mask) -> None:
        for field, column in self._ages:
            never = np.isnan(columns[column])
            if True in never:
                sent = np.array([value is not None for value in values[field]])
                unseen[:, self._unseen.place[field]] |= never & sent


class _Names:
    """The fields that may be named, each of them once.

    Args:
        fields: our names, in the order in which they are named.
        name: tells the log's name of a field.
    """

    def __init__(self, fields: Sequence[str], name: Callable[[str], str]) -> None:
        self.place = {field: place for place, field in enumerate(dict.fromkeys(fields))}
        self._names = [*map(name, self.place)]

    def nothing(self, rows: int) -> Mask:
        """Return that nothing was found yet, shape (rows, fields)."""
        return np.zeros((rows, len(self._names)), bool)

    def of(self, found: Mask) -> list[list[str]]:
        """Return the names that were found in each row."""
        named: list[list[str]] = [[] for _ in range(len(found))]
        rows, places = found.nonzero()
        for row, place in zip(rows.tolist(), places.tolist(), strict=True):
            named[row].append(self._names[place])
        return named


def _is_missing(values: NDArray[np.generic]) -> Mask:
    """Say which values of a field's array are missing."""
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values), bool)
    return np.asarray(values == (b"" if values.dtype.kind == "S" else MISSING_INT), bool)


def _empty(values: Sequence[Value]) -> list[bool]:
    """Say which lists hold nothing; one that rows share, of any length, is looked through once."""
    perhaps = [not value or value[0] is None for value in values]  # type: ignore[index]
    if True not in perhaps:
        return perhaps
    lists = {
        id(value): value for value, here in zip(values, perhaps, strict=True) if here and value
    }
    if not lists:
        return perhaps
    odd = {key: all(entry is None for entry in value) for key, value in lists.items()}  # type: ignore[union-attr]
    return [odd.get(id(v), here) for v, here in zip(values, perhaps, strict=True)]
