"""The id columns of requests, all fields at once.

Ids are those of :class:`Vocabulary`, which the batch side uses, found sooner.
"""

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.columns import IdColumn
from clickthrough.features.encoding.encoder import Encoder
from clickthrough.features.encoding.index import MOST_INDEXED, ValueIndex
from clickthrough.features.lists import to_array
from clickthrough.features.values import Value
from clickthrough.schema import Columns, FieldType, Schema

_EVERY = slice(None)
Values = Mapping[str, Sequence[Value]]


class IdEncoder:
    """Looks up the ids of requests.

    Args:
        encoder: knows the columns and their vocabularies.
        schema: the types of their fields.
    """

    def __init__(self, encoder: Encoder, schema: Schema) -> None:
        self._encoder = encoder
        self._schema = schema
        columns = list(enumerate(encoder.plan.ids))
        texts, numbers = (
            [(place, column) for place, column in columns if self._indexed(column) == kind]
            for kind in ("str", "int")
        )
        indexed = [*numbers, *texts]
        self._others = [pair for pair in columns if pair not in indexed]
        self._places = np.array([place for place, _ in indexed], np.int64)
        self._numbers = [column.field for _, column in numbers]
        self._texts = [column.field for _, column in texts]
        self._fields = np.arange(len(indexed))
        self._index = ValueIndex([encoder.vocabularies[column.table] for _, column in indexed])

    def encode(self, values: Values, columns: Columns, rows: int) -> NDArray[np.int32]:
        """Return the ids of rows, shape (n, id columns).

        Args:
            values: of the fields that have a vocabulary: a value a row, or one that all share.
            columns: the other fields, and ``time``, as arrays of shape (n,) or (1,).
            rows: how many.
        """
        made = np.empty((rows, len(self._encoder.plan.ids)), np.int32)
        self._fill(made, values)
        for place, column in self._others:
            given = columns.get(column.field)
            if given is None:
                kind = self._schema.fields[column.field]
                given = to_array(values[column.field], kind)  # type: ignore[arg-type]
            made[:, place] = self._encoder.ids_of(column, given)
        return made

    def _fill(self, made: NDArray[np.int32], values: Values) -> None:
        if len(made) == 1:
            whole, words = (
                [values[field][0] for field in own] for own in (self._numbers, self._texts)
            )
            made[0, self._places] = self._index.ids(whole, words, _EVERY)  # type: ignore[arg-type]
            return
        numbers = [values[field] for field in self._numbers]
        texts = [values[field] for field in self._texts]
        sizes = np.array([*map(len, numbers), *map(len, texts)], np.int64)
        flat = [*chain.from_iterable(numbers)], [*chain.from_iterable(texts)]
        ids = self._index.ids(*flat, self._fields.repeat(sizes))  # type: ignore[arg-type]
        if len(ids) == len(made) * len(self._fields):
            made[:, self._places] = ids.reshape(len(self._fields), len(made)).T
            return
        starts, whole = sizes.cumsum() - sizes, sizes == len(made)
        every = np.arange(len(made))[:, None]
        made[:, self._places[whole]] = ids[starts[whole] + every]
        made[:, self._places[~whole]] = ids[starts[~whole]]

    def _indexed(self, column: IdColumn) -> FieldType | None:
        """Return the type by which a column is indexed, if it is."""
        if column.source != "field":
            return None
        known = len(self._encoder.vocabularies[column.table].values)
        return self._schema.fields[column.field] if 0 < known <= MOST_INDEXED else None
