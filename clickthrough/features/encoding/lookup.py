"""Ids of the values of one request: what was looked up before is remembered.

Fields with few values are nearly always remembered; what is not goes through the same vocabulary
as the batch side, so the two cannot differ.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.rows import to_array
from clickthrough.features.values import Scalar, Value
from clickthrough.schema import Columns, FieldType, Schema

_MOST_REMEMBERED = 1_000_000
"""Values that all fields together remember: some 100 MB."""
_LONGEST = 100
"""Longer texts are not remembered, so that a caller cannot fill the memory."""


class Lookup:
    """The ids of one field's values.

    Args:
        encode: values as an array -> ids.
        kind: the field's type.
        most: how many values are remembered.
    """

    def __init__(
        self,
        encode: Callable[[NDArray[np.generic]], NDArray[np.int32]],
        kind: FieldType,
        most: int,
    ) -> None:
        self._encode = encode
        self._kind = kind
        self._most = most
        self._known: dict[Value, int] = {}

    def ids(self, values: Sequence[Value]) -> list[int]:
        """Return the id of each value."""
        found = list(map(self._known.get, values))
        if None not in found:
            return found  # type: ignore[return-value]
        absent = [place for place, known in enumerate(found) if known is None]
        new: list[Scalar] = [values[place] for place in absent]  # type: ignore[misc]
        ids = self._encode(to_array(new, self._kind)).tolist()
        for place, one in zip(absent, ids, strict=True):
            found[place] = one
        self._remember(dict(zip(new, ids, strict=True)))
        return found  # type: ignore[return-value]

    def _remember(self, new: dict[Scalar, int]) -> None:
        if len(self._known) + len(new) > self._most:
            self._known = {}  # another thread may still read the old one
        if self._kind == "str":
            new = {value: one for value, one in new.items() if len(value or "") <= _LONGEST}  # type: ignore[arg-type]
        self._known.update(new)


class IdEncoder:
    """The id columns of requests.

    Args:
        encoder: knows the columns and their vocabularies.
        schema: the types of their fields.
    """

    def __init__(self, encoder: Encoder, schema: Schema) -> None:
        self._encoder = encoder
        columns = encoder.plan.ids
        own = [column for column in columns if column.source == "field"]
        most = _MOST_REMEMBERED // max(1, len(own))
        self._fields = [
            (place, column.field, self._lookup(column.name, schema.fields[column.field], most))
            for place, column in enumerate(columns)
            if column.source == "field"
        ]
        self._others = [(p, c) for p, c in enumerate(columns) if c.source != "field"]
        self._width = len(columns)

    def encode(
        self, values: Mapping[str, Sequence[Value]], columns: Columns, rows: int
    ) -> NDArray[np.int32]:
        """Return the ids of rows, shape (n, id columns).

        Args:
            values: of the fields that have a vocabulary: a value a row, or one that all share.
            columns: the other fields, and ``time``, as arrays of shape (n,) or (1,).
            rows: how many.
        """
        made = np.empty((self._width, rows), np.int32)
        for place, field, lookup in self._fields:
            made[place] = lookup.ids(values[field])
        for place, column in self._others:
            made[place] = self._encoder.ids_of(column, columns[column.field])
        return np.ascontiguousarray(made.T)

    def _lookup(self, name: str, kind: FieldType, most: int) -> Lookup:
        return Lookup(self._encoder.vocabularies[name].encode, kind, most)
