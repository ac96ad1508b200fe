"""Raw fields of impressions, as a caller sends them, checked and turned into columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from clickthrough.errors import RequestError
from clickthrough.features.gather import Names, RawColumns, RawRow
from clickthrough.features.values import (
    EXPECTED,
    LISTS,
    READ,
    Scalar,
    Value,
    are_exact,
    read_text,
)
from clickthrough.schema import MISSING_INT, Columns, FieldType, Schema, parse_time

__all__ = ["LISTS", "RawRow", "RowParser", "Rows", "Scalar", "Value", "padded", "to_array"]

_FURTHEST = 2**61
"""Microseconds: no moment is further from 1970 (some 70,000 years)."""


@dataclass(frozen=True)
class Rows:
    """Impressions of one or more requests, those of a request side by side.

    Attributes:
        values: our field name -> a value a row, of the schema's type or None; or a single value
            that all rows share.
        request_ids: the request that each row names, if any.
        time: microseconds since 1970 UTC, shape (n,), or (1,) where all rows share it.
        offsets: where each request starts, and the end, shape (requests + 1,).
        order: the caller's position of each row, shape (n,).
        ignored: of each caller, fields that were sent and mean nothing to the model.
    """

    values: dict[str, Sequence[Value]]
    request_ids: list[str | None]
    time: NDArray[np.int64]
    offsets: NDArray[np.int64]
    order: Sequence[int]
    ignored: list[list[str]]

    def __len__(self) -> int:
        return len(self.order)

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


class RowParser:
    """Reads raw rows by a schema; a field may go by the owner's name or by ours."""

    def __init__(self, schema: Schema, fields: Sequence[str]) -> None:
        self.schema = schema
        self.fields = list(dict.fromkeys(fields))
        kinds = {kind: [n for n in self.fields if schema.fields[n] == kind] for kind in READ}
        self._kinds = [(kind, names) for kind, names in kinds.items() if names]
        meaningless = {schema.roles.get("label"), "label", "type"}
        self._names = Names(schema.aliases(), meaningless)
        self._moment = lru_cache(10_000)(lambda value: parse_time(value, schema.time))

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
            RequestError: a row is no mapping, or a value has the wrong type.
        """
        raw = [row for rows in bodies for row in rows]
        _check_rows(raw, "row")
        columns, ignored = self._names.gather(raw)
        ids = self._request_ids(columns.get("request_id"), len(raw))
        if len(raw) == len(bodies):
            order, offsets = list(range(len(raw))), np.arange(len(raw) + 1)
        else:
            order, offsets = _by_request(ids, bodies)
        if order != list(range(len(raw))):
            columns = {name: [values[i] for i in order] for name, values in columns.items()}
            ids = [ids[i] for i in order]
        values, time = self._read(columns, order, now)
        if len(offsets) <= len(time):
            # a request is one moment: the earliest that any of its rows names
            starts = np.minimum.reduceat(time, offsets[:-1])
            time = np.repeat(starts, np.diff(offsets))
        each = [self._names.ignored(rows) if ignored else [] for rows in bodies]
        return Rows(values, ids, time, offsets, order, each)

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
            RequestError: a candidate is no mapping, or a value has the wrong type.
        """
        _check_rows(candidates, "candidate")
        columns, ignored = self._names.gather_request(context, candidates)
        values, time = self._read(columns, range(len(candidates)), now)
        return Rows(
            values,
            [request_id] * len(candidates),
            time.min(keepdims=True),
            np.array([0, len(candidates)], np.int64),
            range(len(candidates)),
            [ignored],
        )

    def read(self, name: str, values: Sequence[object], places: Sequence[int]) -> Sequence[Value]:
        """Return a field's values by the schema's type, None where they are missing.

        Raises:
            RequestError: a value has the wrong type; named by its place.
        """
        kind = self.schema.fields[name]
        if are_exact(values, kind):
            return values  # type: ignore[return-value]
        read = READ[kind]
        try:
            return [read(value) for value in values]
        except (ValueError, OverflowError):  # which of them, says what follows
            return [self.coerce(value, name, i) for value, i in zip(values, places, strict=False)]

    def _read(
        self, columns: RawColumns, places: Sequence[int], now: int
    ) -> tuple[dict[str, Sequence[Value]], NDArray[np.int64]]:
        """Return all fields, and the time of each row (or the one that all share)."""
        unsent: list[object] = [None] * min(1, len(places))
        values: dict[str, Sequence[Value]] = {}
        for kind, names in self._kinds:
            given = [columns.get(name, unsent) for name in names]
            if are_exact([*chain.from_iterable(given)], kind):
                values.update(zip(names, given, strict=True))  # type: ignore[arg-type]
                continue
            for name, own in zip(names, given, strict=True):
                values[name] = self.read(name, own, places)
        time = columns.get("time", unsent)
        moments = [
            self.moment(value, place, now) for value, place in zip(time, places, strict=False)
        ]
        return values, np.array(moments, np.int64)

    def time(self, row: RawRow, place: int, now: int) -> int:
        """Return a row's moment in microseconds since 1970 UTC."""
        return self.moment(row.get("time"), place, now)

    def moment(self, value: object, place: int, now: int) -> int:
        """Return a moment in microseconds since 1970 UTC."""
        if value is None:
            return now
        try:
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ValueError
            moment = self._moment(value)
            if abs(moment) > _FURTHEST:
                raise ValueError
            return moment
        except (ValueError, OverflowError):
            raise self._wrong("time", place, value, self._expected_time()) from None

    def _expected_time(self) -> str:
        form = self.schema.time
        if form.format is not None:
            return f"ISO 8601 text or a time in the format {form.format}"
        if form.unit != "iso":
            return f"ISO 8601 text or a number in the log's unit ({form.unit})"
        return "ISO 8601 text or a number of seconds since 1970"

    def rename(self, raw: Sequence[RawRow]) -> list[dict[str, object]]:
        """Return the rows by our names."""
        _check_rows(raw, "row")
        known = self._names.known
        return [{known[n]: value for n, value in row.items() if n in known} for row in raw]

    def _request_ids(self, values: Sequence[object] | None, rows: int) -> list[str | None]:
        if values is None:
            return [None] * rows
        if are_exact(values, "str"):
            return list(values)  # type: ignore[arg-type]
        return [self._request_id(value, place) for place, value in enumerate(values)]

    def request_id(self, row: RawRow, place: int) -> str | None:
        """Return a row's request id as text, whatever its type in the log."""
        return self._request_id(row.get("request_id"), place)

    def _request_id(self, value: object, place: int) -> str | None:
        try:
            return read_text(value)
        except ValueError:
            raise self._wrong("request_id", place, value, "text or a whole number") from None

    def coerce(self, value: object, name: str, place: int) -> Value:
        """Return a field's value by the schema's type, None where it is missing."""
        kind = self.schema.fields[name]
        try:
            return READ[kind](value)
        except (ValueError, OverflowError):
            raise self._wrong(name, place, value, EXPECTED[kind]) from None

    def _wrong(self, name: str, place: int, value: object, expected: str) -> RequestError:
        owner = self.schema.input_name(name)
        return RequestError(f"row {place}: field '{owner}': expected {expected}, found {value!r}")


def padded(rows: Sequence[Sequence[Scalar]], length: int, kind: FieldType) -> NDArray[np.generic]:
    """Return lists as an array of shape (n, length): cut, or filled up with missing values."""
    flat = [row[i] if i < len(row) else None for row in rows for i in range(length)]
    return to_array(flat, kind).reshape(len(rows), length)


def to_array(values: Sequence[Scalar], kind: FieldType) -> NDArray[np.generic]:
    """Return values as the encoder's array of their type."""
    if kind == "float":
        return np.array(values, np.float64)  # None becomes NaN
    if kind == "str":
        return np.array([b"" if v is None else str(v).encode() for v in values], np.bytes_)
    return np.array([MISSING_INT if v is None else v for v in values], np.int64)


def _by_request(
    ids: Sequence[str | None], bodies: Sequence[Sequence[RawRow]]
) -> tuple[list[int], NDArray[np.int64]]:
    """Bring rows of a caller's request side by side, in order of first appearance."""
    owners = [owner for owner, rows in enumerate(bodies) for _ in rows]
    groups: dict[object, list[int]] = {}
    for place, owned in enumerate(zip(owners, ids, strict=True)):
        groups.setdefault(place if owned[1] is None else owned, []).append(place)
    sizes = [len(group) for group in groups.values()]
    return [i for group in groups.values() for i in group], np.cumsum([0, *sizes], dtype=np.int64)


def _check_rows(rows: Sequence[RawRow], what: str) -> None:
    if set(map(type, rows)) <= {dict}:
        return
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise RequestError(f"{what} {place}: expected an object of raw fields, found {row!r}")
