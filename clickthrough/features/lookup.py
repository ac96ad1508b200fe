"""Fields that a caller did not send, filled in from side tables: what is sent goes before.

Tables are read in the order in which the log was joined to them, so that what one gives may be the
key of the next. A table is asked once for each distinct key of the rows; what it said lately stays
at hand, since what is shown is asked for again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from clickthrough.errors import BundleError, RequestError
from clickthrough.features.gather import UNSENT, Partly, RawColumns
from clickthrough.features.sides import SideTable, Way, packed
from clickthrough.features.values import Value
from clickthrough.schema import FieldType, Schema

Read = Callable[[str, Sequence[object]], Sequence[Value]]
"""Reads what was sent of a field by its type."""
_Row = tuple[object, ...]

_HELD: dict[FieldType, Any] = {
    "int": int | None,
    "float": float | None,
    "str": str | None,
    "bool": int | None,
    "ints": list[int | None] | None,
    "floats": list[float | None] | None,
    "strs": list[str | None] | None,
}
"""How tables hold values; a whole number is read as a float where the field is one."""
_AT_HAND, _A_ROW = 1 << 20, 64
"""So many bytes of a table stay at hand: packed keys and rows, and so many for each beside."""


class Lookups:
    """Fills in fields from the side tables of a bundle.

    Args:
        tables: in the order in which they are read.
        schema: the types of fields.
        longest: how many bytes a text of a field may have.

    Attributes:
        keys: the fields that hold keys.
        fields: those that are filled in.
    """

    def __init__(
        self, tables: Sequence[SideTable], schema: Schema, longest: Callable[[str], int]
    ) -> None:
        self._ways = [_Found(t, way, schema, longest) for t in tables for way in t.form.ways]
        self.keys = list(dict.fromkeys(name for way in self._ways for name in way.key))
        self.fields = frozenset(name for way in self._ways for name in way.gives)

    def filled(self, columns: RawColumns, read: Read, sent: Collection[str] = ()) -> RawColumns:
        """Return what rows say, and the tables where they say nothing.

        Args:
            columns: our field name -> a value a row, or one that all share.
            read: reads keys.
            sent: fields that rows say elsewhere.

        Raises:
            ValueError: a key has the wrong type, or :class:`OverflowError`.
            RequestError: a table holds a text that is longer than any may be.
            BundleError: a table holds what cannot be read.
        """
        made = dict(columns)
        for way in self._ways:
            wanted = [
                name
                for name in way.gives
                if (type(made[name]) is Partly if name in made else name not in sent)
            ]
            keys = way.keys_in(made, read) if wanted else ()
            if not keys:
                continue
            found = dict(zip(way.gives, zip(*way.rows(keys), strict=True), strict=True))
            for name in wanted:
                own = made.get(name)
                made[name] = found[name] if own is None else _completed(own, found[name])
        for name, column in made.items():
            if type(column) is Partly:
                made[name] = _completed(column, (None,))
        return made

    def known_by(self, sent: Collection[str]) -> list[str]:
        """Return the fields that are filled in where only some are sent."""
        known = set(sent)
        for way in self._ways:
            if known.issuperset(way.key):
                known.update(way.gives)
        return [name for name in self.fields if name in known and name not in sent]

    def complete(
        self, rows: Sequence[Mapping[str, object]], read: Read
    ) -> Sequence[Mapping[str, object]]:
        """Return rows by our names, with what tables say beside what they have; see :meth:`filled`.

        Args:
            rows: at least one.
            read: reads keys.
        """
        names = dict.fromkeys([*self.keys, *self.fields])
        columns: RawColumns = {}
        for name in names:
            own = Partly(row.get(name, UNSENT) for row in rows)
            if any(value is not UNSENT for value in own):
                columns[name] = own
        made = self.filled(columns, read)
        if not made:
            return rows
        values = zip(*made.values(), strict=True)  # each of a column has a place for every row
        return [{**dict(zip(made, v, strict=True)), **r} for v, r in zip(values, rows, strict=True)]


class _Found:
    """What a table says, read by one way.

    Args:
        table: the table.
        way: one of its ways.
        schema: the types of fields.
        longest: how many bytes a text of a field may have.
    """

    def __init__(
        self, table: SideTable, way: Way, schema: Schema, longest: Callable[[str], int]
    ) -> None:
        columns, self._name, self._table = table.form.columns, table.form.name, table.rows
        self.key, self.gives = way.key, tuple(way.gives.values())
        self._places = [columns.index(column) for column in way.gives]
        self._gives_all = self._places == [*range(len(columns))]
        kinds = {column: schema.fields[name] for column, name in way.gives.items()}
        held = tuple(_HELD[kinds[c]] if c in kinds else Any for c in columns)
        self._decode = msgspec.msgpack.Decoder(tuple[held]).decode  # type: ignore[valid-type]
        texts = [(place, name) for place, name in enumerate(self.gives)
                 if schema.fields[name] in ("str", "strs")]  # fmt: skip
        self._texts = [(place, schema.input_name(name), longest(name)) for place, name in texts]
        self._least = min([most for *_, most in self._texts], default=0)
        if len(table.rows):
            _ = table.rows.index  # made now, not in the first request
        self._nothing: _Row = (None,) * len(self.gives)
        self._at_hand: dict[object, _Row] = {}
        self._room = _AT_HAND

    def keys_in(self, columns: RawColumns, read: Read) -> Sequence[object]:
        """Return the key of each row, or one that all share; None where a part of it is missing."""
        parts = []
        for name in self.key:
            sent = columns.get(name)
            if sent is None:
                return ()
            parts.append(read(name, _completed(sent, (None,)) if type(sent) is Partly else sent))
        if len(parts) == 1:
            return parts[0]
        most = max(map(len, parts))
        full = [own if len(own) == most else [*own] * most for own in parts]
        return [None if None in key else key for key in zip(*full, strict=True)]

    def rows(self, keys: Sequence[object]) -> list[_Row]:
        """Return what the table says of each key, missing values where it has none."""
        rows = [*map(self._at_hand.get, keys)]
        if None in rows:
            unmet = dict.fromkeys(k for k, row in zip(keys, rows, strict=True) if row is None)
            known = self._read(list(unmet))
            rows = [row or known[key] for key, row in zip(keys, rows, strict=True)]
        return rows  # type: ignore[return-value]  # none is left

    def _read(self, keys: Sequence[object]) -> dict[object, _Row]:
        """Ask the table for keys, and remember what it says."""
        single = len(self.key) == 1
        asked = [packed((key,) if single else key) for key in keys]
        made: dict[object, _Row] = {}
        for key, sent, row in zip(keys, asked, self._table.read(asked), strict=True):
            made[key] = self._nothing if row is None else self._row(row)
            self._room -= _A_ROW + len(sent) + len(row or b"")
            if self._room < 0:
                self._at_hand.clear()
                self._room = _AT_HAND
            self._at_hand[key] = made[key]
        return made

    def _row(self, row: bytes) -> _Row:
        """Read what the table says of a key."""
        try:
            every = self._decode(row)
        except msgspec.MsgspecError as error:
            raise BundleError(f"side table '{self._name}': a row cannot be read: {error}") from None
        values = every if self._gives_all else tuple(every[place] for place in self._places)
        if self._texts and len(row) > self._least:  # else no text in it can be too long
            self._refuse_long(values)
        return values

    def _refuse_long(self, values: _Row) -> None:
        for place, name, most in self._texts:
            found = _longest(values[place])
            if found > most:
                raise RequestError(
                    f"side table '{self._name}': field '{name}': a text of {found:,} bytes: at "
                    f"most {most:,} (serving.max_id_bytes, serving.max_text_bytes)"
                )


def _completed(sent: Sequence[object], found: Sequence[object]) -> Sequence[object]:
    """Return a value a row: what was sent of it, else what was found, of each or of all."""
    every = found if len(found) == len(sent) else [*found] * len(sent)
    return [own if v is UNSENT else v for v, own in zip(sent, every, strict=True)]


def _longest(value: object) -> int:
    """Return the bytes of a text, or of the longest of a list."""
    texts: list[Any] = value if isinstance(value, list) else [value]
    return max((len(text.encode()) for text in texts if text), default=0)
