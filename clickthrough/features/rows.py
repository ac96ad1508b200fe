"""Raw fields of impressions, as a caller sends them, checked and turned into columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clickthrough.errors import RequestError
from clickthrough.schema import MISSING_INT, Columns, FieldType, Schema, parse_time

Scalar = int | float | str | None
Value = Scalar | list[Scalar]
RawRow = Mapping[str, object]

_FURTHEST = 2**61
"""Microseconds: no moment is further from 1970 (some 70,000 years)."""


@dataclass(frozen=True)
class Rows:
    """Impressions of one or more requests, those of a request side by side.

    Attributes:
        values: our field name -> a value a row, of the schema's type or None.
        request_ids: the request that each row names, if any.
        time: microseconds since 1970 UTC, shape (n,).
        offsets: where each request starts, and the end, shape (requests + 1,).
        order: the caller's position of each row, shape (n,).
        ignored: fields that were sent and mean nothing to the model.
    """

    values: dict[str, list[Value]]
    request_ids: list[str | None]
    time: NDArray[np.int64]
    offsets: NDArray[np.int64]
    order: list[int]
    ignored: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.order)

    def columns(self, schema: Schema, lengths: Mapping[str, int]) -> Columns:
        """Return the fields as arrays, for the encoder; lists are cut to their ``lengths``."""
        made: Columns = {"time": self.time}
        for name, values in self.values.items():
            kind = schema.fields[name]
            if kind in LISTS:
                rows = [value if isinstance(value, list) else [] for value in values]
                made[name] = padded(rows, lengths[name], LISTS[kind])
            else:
                made[name] = to_array([v for v in values if not isinstance(v, list)], kind)
        return made


class RowParser:
    """Reads raw rows by a schema; a field may go by the owner's name or by ours."""

    def __init__(self, schema: Schema, fields: Sequence[str]) -> None:
        self.schema = schema
        self.fields = list(dict.fromkeys(fields))
        self._names = schema.aliases()
        self._meaningless = {schema.roles.get("label"), "label", "type"}

    def parse(self, raw: Sequence[RawRow], now: int) -> Rows:
        """Check and order rows.

        Args:
            raw: one mapping a row; rows that share a ``request_id`` are one request, and a row
                without one is a request of its own.
            now: the time of a request that has none, in microseconds since 1970 UTC.

        Raises:
            RequestError: a row is no mapping, or a value has the wrong type.
        """
        named, ignored = self.rename(raw)
        ids = [self.request_id(row, i) for i, row in enumerate(named)]
        order, offsets = _by_request(ids)
        rows = [named[i] for i in order]
        values = {
            name: [self.coerce(row.get(name), name, i) for i, row in zip(order, rows, strict=True)]
            for name in self.fields
        }
        time = np.array(
            [self.time(row, i, now) for i, row in zip(order, rows, strict=True)], np.int64
        )
        # a request is one moment: the earliest that any of its rows names
        starts = np.minimum.reduceat(time, offsets[:-1]) if len(time) else time
        return Rows(
            values,
            [ids[i] for i in order],
            np.repeat(starts, np.diff(offsets)),
            offsets,
            order,
            ignored,
        )

    def time(self, row: RawRow, place: int, now: int) -> int:
        """Return a row's moment in microseconds since 1970 UTC."""
        value = row.get("time")
        if value is None:
            return now
        try:
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ValueError
            moment = parse_time(value, self.schema.time)
            if abs(moment) > _FURTHEST:
                raise ValueError
            return moment
        except (ValueError, OverflowError):
            expected = "ISO 8601 text or a number of seconds since 1970"
            if self.schema.time.unit != "iso":
                expected = f"ISO 8601 text or a number in the log's unit ({self.schema.time.unit})"
            if self.schema.time.format is not None:
                expected = f"ISO 8601 text or a time in the format {self.schema.time.format}"
            raise self._wrong("time", place, value, expected) from None

    def rename(self, raw: Sequence[RawRow]) -> tuple[list[dict[str, object]], list[str]]:
        """Return the rows by our names, and the names that mean nothing to the model."""
        ignored: dict[str, None] = {}
        named = []
        for place, row in enumerate(raw):
            if not isinstance(row, Mapping):
                raise RequestError(f"row {place}: expected an object of raw fields, found {row!r}")
            ours: dict[str, object] = {}
            for name, value in row.items():
                known = self._names.get(name)
                if known is not None:
                    ours[known] = value
                elif name not in self._meaningless:
                    # half a surrogate pair could not be sent back
                    ignored[str(name).encode(errors="replace").decode()] = None
            named.append(ours)
        return named, list(ignored)

    def request_id(self, row: RawRow, place: int) -> str | None:
        """Return a row's request id as text, whatever its type in the log."""
        value = row.get("request_id")
        try:
            return _read_str(value)
        except ValueError:
            raise self._wrong("request_id", place, value, "text or a whole number") from None

    def coerce(self, value: object, name: str, place: int) -> Value:
        """Return a field's value by the schema's type, None where it is missing."""
        kind = self.schema.fields[name]
        try:
            return _READ[kind](value)
        except (ValueError, OverflowError):
            raise self._wrong(name, place, value, _EXPECTED[kind]) from None

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
        return np.array([np.nan if v is None else v for v in values], np.float64)
    if kind == "str":
        return np.array([b"" if v is None else str(v).encode() for v in values], np.bytes_)
    return np.array([MISSING_INT if v is None else v for v in values], np.int64)


def _read_list(read: Callable[[object], Scalar]) -> Callable[[object], list[Scalar] | None]:
    def read_all(value: object) -> list[Scalar] | None:
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise ValueError
        return [read(entry) for entry in value]

    return read_all


def _by_request(ids: list[str | None]) -> tuple[list[int], NDArray[np.int64]]:
    """Bring rows of a request side by side, in order of first appearance."""
    groups: dict[str | int, list[int]] = {}
    for place, request in enumerate(ids):
        groups.setdefault(place if request is None else request, []).append(place)
    sizes = [len(group) for group in groups.values()]
    return [i for group in groups.values() for i in group], np.cumsum([0, *sizes], dtype=np.int64)


def _read_int(value: object) -> int | None:
    if type(value) is int and MISSING_INT < value < -MISSING_INT:
        return value  # nearly every id: the rest of the checks would only slow it
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    number = int(value) if not isinstance(value, str) else _int_of_text(value)
    if number != value and not isinstance(value, str):
        raise ValueError
    if not MISSING_INT < number < -MISSING_INT:
        raise ValueError
    return number


def _int_of_text(text: str) -> int:
    """Read ``118`` and ``118.0``: exact for any length, unlike a detour over float."""
    whole, _, fraction = text.strip().partition(".")
    if fraction.strip("0") or "_" in whole:
        raise ValueError
    return int(whole)


def _read_float(value: object) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    number = float(value)
    if np.isinf(number):
        raise ValueError
    return None if np.isnan(number) else number


def _read_str(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError
    text = str(value)
    text.encode()  # half a surrogate pair is no text
    return text


def _read_bool(value: object) -> int | None:
    if value is None or value == "":
        return None
    texts = {"true": 1, "false": 0, "1": 1, "0": 0}
    if isinstance(value, str):
        value = texts.get(value.lower())
    if value not in (0, 1) or not isinstance(value, bool | int):
        raise ValueError
    return int(value)


_READ: dict[FieldType, Callable[[object], Value]] = {
    "int": _read_int,
    "float": _read_float,
    "str": _read_str,
    "bool": _read_bool,
    "ints": _read_list(_read_int),
    "floats": _read_list(_read_float),
    "strs": _read_list(_read_str),
}
LISTS: dict[FieldType, FieldType] = {"ints": "int", "floats": "float", "strs": "str"}
"""The types of lists, with that of their entries."""

_EXPECTED: dict[FieldType, str] = {
    "int": "a whole number",
    "float": "a finite number",
    "str": "text",
    "bool": "true or false",
    "ints": "a list of whole numbers",
    "floats": "a list of finite numbers",
    "strs": "a list of texts",
}
