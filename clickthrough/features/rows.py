"""Raw fields of impressions, as a caller sends them, checked and turned into columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from clickthrough.errors import RequestError
from clickthrough.features.gather import Names, RawColumns, RawRow
from clickthrough.features.grouping import apart, grouped, together
from clickthrough.features.reader import NOT_A_VALUE, FieldReader, plain_row, plain_rows
from clickthrough.features.unknown import nothing_known, told_of
from clickthrough.features.values import LISTS, USUAL_LIMITS, Scalar, TextLimits, Value, are_exact
from clickthrough.schema import MISSING_INT, Columns, FieldType, Schema
from clickthrough.time_range import possible

__all__ = [
    "LISTS",
    "RawRow",
    "RowParser",
    "Rows",
    "Scalar",
    "TextLimits",
    "Value",
    "padded",
    "to_array",
]


@dataclass(frozen=True)
class Rows:
    """Impressions of one or more requests, those of a request side by side, each of them once.

    Attributes:
        values: our field name -> a value a row, of the schema's type or None; or a single value
            that all rows share.
        request_ids: the request that each row names, if any.
        time: microseconds since 1970 UTC, shape (n,), or (1,) where all rows share it.
        offsets: where each request starts, and the end, shape (requests + 1,).
        row_of: for each of the callers' rows, in their order, the row here that is scored for it:
            of those that repeat an item of their request, the first.
        ignored: of each caller, fields that were sent and mean nothing to the model.
        odd_times: whether each row named a time that cannot be, and that was taken as now; empty
            where none did.
    """

    values: dict[str, Sequence[Value]]
    request_ids: Sequence[str | None]
    time: NDArray[np.int64]
    offsets: NDArray[np.int64]
    row_of: Sequence[int]
    ignored: list[list[str]]
    odd_times: Sequence[bool] = ()

    def __len__(self) -> int:
        return len(self.request_ids)

    def columns(
        self, schema: Schema, lengths: Mapping[str, int], fields: Iterable[str] | None = None
    ) -> Columns:
        """Return fields as arrays, for the encoder; lists are cut to their ``lengths``.

        Args:
            schema: their types.
            lengths: of the fields that are lists.
            fields: which; all by default.
        """
        made: Columns = {"time": self.time}
        for name in self.values if fields is None else fields:
            values, kind = self.values[name], schema.fields[name]
            if kind in LISTS:
                rows = [value if isinstance(value, list) else [] for value in values]
                made[name] = padded(rows, lengths[name], LISTS[kind])
            else:
                made[name] = to_array(values, kind)  # type: ignore[arg-type]
        return made


class RowParser(FieldReader):
    """Reads raw rows by a schema; a field may go by the owner's name or by ours.

    Args:
        schema: the names and types of fields.
        fields: our names of those that are read.
        limits: how long texts may be.
        strict_times: whether a time that cannot be is refused; else it is taken as now.
    """

    def __init__(
        self,
        schema: Schema,
        fields: Sequence[str],
        limits: TextLimits = USUAL_LIMITS,
        strict_times: bool = False,
    ) -> None:
        super().__init__(schema, fields, limits, strict_times)
        kinds: dict[FieldType, list[str]] = {}
        for name in self.fields:
            kinds.setdefault(schema.fields[name], []).append(name)
        self._kinds = list(kinds.items())
        self._least = min(limits)
        named = {"item"} & set(schema.roles) & set(self.fields)
        self._unites = any(schema.fields[name] not in LISTS for name in named)
        self._names = Names(schema.aliases(), {schema.roles.get("label"), "label", "type"})

    def parse(self, raw: Sequence[RawRow], now: int) -> Rows:
        """Check and order the rows of one caller; see :meth:`parse_each`."""
        return self.parse_each([raw], now)

    def parse_each(self, bodies: Sequence[Sequence[RawRow]], now: int) -> Rows:
        """Check and order the rows of several callers, whose requests are apart whatever their ids.

        Args:
            bodies: of each caller one mapping a row; rows that share a ``request_id`` are one
                request, and a row without one is a request of its own.
            now: the time of a request that has none, in microseconds since 1970 UTC.

        Raises:
            RequestError: a row is no mapping, no field of a caller's is known, or a value is wrong:
                the first of them is named.
        """
        raw = plain_rows([row for rows in bodies for row in rows])
        columns, unknown = self._names.gather(raw)
        ignored = [self._ignored(rows) if unknown else [] for rows in bodies]
        sent = columns.get("request_id")
        try:
            ids = [None] * len(raw) if sent is None else self.request_ids(sent)
            values, time, odd = self._read(columns, len(raw), now)
        except NOT_A_VALUE:
            self.refuse_first(enumerate(map(self._names.renamed, raw)), now, ids=True)
            raise
        if sent is None or max(map(len, bodies)) <= 1:
            grouping = apart(len(raw))
        else:
            grouping = grouped(ids, [len(rows) for rows in bodies], self._items(values))
        return Rows(
            grouping.taken(values),
            grouping.of(ids),
            grouping.moments(time),
            grouping.offsets,
            grouping.row_of,
            ignored,
            grouping.of(odd) if len(odd) == len(raw) else odd,
        )

    def parse_request(
        self, context: RawRow, candidates: Sequence[RawRow], request_id: str, now: int
    ) -> Rows:
        """Check the candidates of one request; what its context says is read once.

        Args:
            context: raw fields of the request; a candidate's own go before them.
            candidates: raw fields of each, at least one.
            request_id: whatever any of them says.
            now: the time of a request that has none, in microseconds since 1970 UTC.

        Raises:
            RequestError: a candidate is no mapping, no field is known, or a value is wrong: the
                first of them is named.
        """
        shared, rows = plain_row(context, "context"), plain_rows(candidates, "candidate")
        columns, unknown = self._names.gather([shared])
        held = {name: value for name, (value,) in columns.items()}
        own, own_unknown = self._names.gather(rows, held)
        if unknown or own_unknown:
            self._check_known(shared, rows)
        try:
            values, time, odd = self._read(columns | own, len(rows), now)
        except NOT_A_VALUE:
            self._refuse_first_of(held, [self._names.renamed(row) for row in rows], now)
            raise
        grouping = together(len(rows), self._items(values))
        return Rows(
            grouping.taken(values),
            [request_id] * int(grouping.offsets[-1]),
            time.min(keepdims=True),
            grouping.offsets,
            grouping.row_of,
            [told_of(list(dict.fromkeys([*unknown, *own_unknown])))],
            [True] * int(grouping.offsets[-1]) if any(odd) else (),
        )

    def rename(self, raw: Sequence[RawRow]) -> list[dict[str, object]]:
        """Return the rows by our names.

        Raises:
            RequestError: a row is no mapping.
        """
        return [self._names.renamed(row) for row in plain_rows(raw)]

    def columns(
        self, renamed: Sequence[RawRow], fields: Sequence[str], places: Sequence[int]
    ) -> dict[str, Sequence[Value]]:
        """Return some fields of rows that go by our names.

        Raises:
            RequestError: a value has the wrong type; named by its place.
        """
        columns: RawColumns = {name: [row.get(name) for row in renamed] for name in fields}
        try:
            return self._fields(columns, [None] * len(renamed))
        except NOT_A_VALUE:  # which of them, says what follows
            return {name: self.read(name, columns[name], places) for name in fields}

    def _read(
        self, columns: RawColumns, rows: int, now: int
    ) -> tuple[dict[str, Sequence[Value]], NDArray[np.int64], Sequence[bool]]:
        """Return all fields, the time of each row (or the one that all share), which are odd.

        Raises:
            ValueError: a value is wrong, or :class:`OverflowError`.
        """
        unsent: list[object] = [None] * min(1, rows)
        moments = self.moments(columns.get("time", unsent), now)
        odd: Sequence[bool] = ()
        low, high = possible(self.schema, now)
        if moments and not low <= min(moments) <= max(moments) <= high:
            if self._strict_times:
                raise ValueError
            odd = [not low <= moment <= high for moment in moments]
            moments = [now if wrong else own for own, wrong in zip(moments, odd, strict=True)]
        return self._fields(columns, unsent), np.array(moments, np.int64), odd

    def _fields(self, columns: RawColumns, unsent: Sequence[object]) -> dict[str, Sequence[Value]]:
        """Return all fields."""
        values: dict[str, Sequence[Value]] = {}
        for kind, names in self._kinds:
            given = [columns.get(name, unsent) for name in names]
            if kind not in LISTS and are_exact([*chain.from_iterable(given)], kind, self._least):
                values.update(zip(names, given, strict=True))  # type: ignore[arg-type]
                continue
            for name, own in zip(names, given, strict=True):
                values[name] = self.values(name, own)
        return values

    def _items(self, values: Mapping[str, Sequence[Value]]) -> Sequence[Value]:
        """Return what tells repeats, of which there are none where the log names no items."""
        return values["item"] if self._unites else [None]

    def _ignored(self, rows: Sequence[RawRow]) -> list[str]:
        """Return the names in a caller's rows that mean nothing, unless none means anything."""
        unknown = self._names.unknown(rows)
        if unknown and not self._names.mean_something(rows):
            raise self._nothing_known("none of the fields sent is known to the model", unknown)
        return told_of(unknown)

    def _check_known(self, context: RawRow, candidates: Sequence[RawRow]) -> None:
        """Refuse what would be scored all alike, without a word of what was sent."""
        own = self._names.unknown(candidates)
        if self._names.mean_something(candidates):
            return
        if not self._names.mean_something([context]):
            every = self._names.unknown([context, *candidates])
            raise self._nothing_known("none of the fields sent is known to the model", every)
        if own and len(candidates) > 1:
            lead = "none of the candidates' fields is known to the model, and all would be tied"
            raise self._nothing_known(lead, own)

    def _nothing_known(self, lead: str, unknown: Sequence[str]) -> RequestError:
        names = [self.schema.input_name(name) for name in self.fields]
        return RequestError(nothing_known(lead, unknown, names))

    def _refuse_first_of(
        self, context: Mapping[str, object], candidates: Sequence[RawRow], now: int
    ) -> None:
        """Name the first wrong value of a request: of its context what no candidate overrules."""
        used = {n: value for n, value in context.items() if any(n not in r for r in candidates)}
        own = ((f"candidate {place}", row) for place, row in enumerate(candidates))
        self.refuse_first([("context", used), *own], now, ids=False)


def padded(rows: Sequence[Sequence[Scalar]], length: int, kind: FieldType) -> NDArray[np.generic]:
    """Return lists as an array of shape (n, length): cut, or filled up with missing values."""
    longest = max(map(len, rows), default=0)
    cut = rows if longest <= length else [row[:length] for row in rows]
    if len(cut) == 1:  # sooner than by arrays
        return to_array([*cut[0], *[None] * (length - len(cut[0]))], kind).reshape(1, length)
    held = to_array([*chain.from_iterable(cut)], kind)
    missing = to_array([None], kind)[0]
    made = np.full((len(rows), length), missing, held.dtype)
    made[np.arange(length) < np.array([*map(len, cut)], np.int64)[:, None]] = held
    return made


def to_array(values: Sequence[Scalar], kind: FieldType) -> NDArray[np.generic]:
    """Return values as the encoder's array of their type."""
    if kind == "float":
        return np.array(values, np.float64)  # None becomes NaN
    if kind == "str":
        return np.array([b"" if v is None else str(v).encode() for v in values], np.bytes_)
    whole = [MISSING_INT if v is None else v for v in values] if None in values else values
    return np.array(whole, np.int64)
