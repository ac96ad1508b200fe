"""What a row says of a field, read by the schema; an error names the row and the field."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from clickthrough.errors import RequestError
from clickthrough.features.gather import RawRow
from clickthrough.features.python_values import plain
from clickthrough.features.shown import shown
from clickthrough.features.values import (
    EXPECTED,
    LISTS,
    USUAL_LIMITS,
    TextLimits,
    TooLongError,
    Value,
    are_exact,
    are_exact_lists,
    is_missing,
    reader_of,
)
from clickthrough.schema import FieldType, Schema, parse_time
from clickthrough.time_range import possible, why_not

Place = int | str
"""Where a value was sent: the number of its row, or what else the caller calls it."""
NOT_A_VALUE = (ValueError, OverflowError)
"""What reading a value that is none raises."""

_FURTHEST = 2**61
"""Microseconds: a moment further from 1970 (some 70,000 years) is held at this."""
_LONGEST_TIME = 64
"""Characters: no moment is written longer."""
IDS = ("request_id", "user", "item")
"""Fields whose texts have a limit of their own."""


class FieldReader:
    """Reads values of fields.

    Args:
        schema: the types of fields.
        fields: our names of those that are read.
        limits: how long texts may be.
        strict_times: whether a time that cannot be is refused.

    Attributes:
        marks: a field -> texts that stand for no value, where the log had such.
    """

    def __init__(
        self,
        schema: Schema,
        fields: Sequence[str],
        limits: TextLimits = USUAL_LIMITS,
        strict_times: bool = False,
    ) -> None:
        self.schema = schema
        self.fields = list(dict.fromkeys(fields))
        self._limits, self._strict_times = limits, strict_times
        self._readers: dict[str, Callable[[object], Value]] = {
            name: reader_of(kind, self.longest(name)) for name, kind in schema.fields.items()
        }
        self.marks = {
            name: frozenset([*schema.missing, *schema.missing_in.get(name, ())])
            for name in self._readers
            if schema.missing or name in schema.missing_in
        }
        self._read_id = reader_of("str", limits.id_bytes)
        # equal numbers of two types are not the same moment: those of a float are not exact
        self._moments: dict[type, Callable[[Any], int | None]] = {
            kind: lru_cache(10_000)(self._moment) for kind in (int, float, str)
        }

    def longest(self, name: str) -> int:
        """Return how many bytes a text of a field may have."""
        return self._limits.id_bytes if name in IDS else self._limits.text_bytes

    def without_marks(self, name: str, values: Sequence[object]) -> list[object]:
        """Return a field's values without the texts that stand for none; those in lists stay."""
        marks = self.marks[name]
        return [None if type(value) is str and value in marks else value for value in values]

    def read(self, name: str, values: Sequence[object], places: Sequence[int]) -> Sequence[Value]:
        """Return a field's values by the schema's type, None where they are missing.

        Raises:
            RequestError: a value has the wrong type; named by its place.
        """
        try:
            return self.values(name, values)
        except NOT_A_VALUE:  # which of them, says what follows
            return [self.coerce(value, name, i) for value, i in zip(values, places, strict=False)]

    def values(self, name: str, values: Sequence[object]) -> Sequence[Value]:
        """Return a field's values by the schema's type, None where they are missing.

        Raises:
            ValueError: a value has the wrong type, or :class:`OverflowError`.
        """
        kind, read = self.schema.fields[name], self._readers[name]
        if name in self.marks:
            values = self.without_marks(name, values)
        if kind in LISTS:
            return self._lists(LISTS[kind], self.longest(name), read, values)
        if are_exact(values, kind, self.longest(name)):
            return values  # type: ignore[return-value]
        if kind == "float" and are_exact(values, "int", 0):
            return [None if value is None else float(value) for value in values]  # type: ignore[arg-type]
        return [read(value) for value in values]

    def _lists(
        self,
        kind: FieldType,
        most: int,
        read: Callable[[object], Value],
        values: Sequence[object],
    ) -> Sequence[Value]:
        """Return the lists of a field, whose entries are of a type."""
        if are_exact_lists(values, kind, most):
            return values  # type: ignore[return-value]
        # rows may share a list, of any length: it is read once
        distinct = {id(value): value for value in values}
        once = {key: read(value) for key, value in distinct.items()}
        return [once[id(value)] for value in values]

    def coerce(self, value: object, name: str, place: Place) -> Value:
        """Return a field's value by the schema's type, None where it is missing."""
        if name in self.marks:
            (value,) = self.without_marks(name, [value])
        try:
            return self._readers[name](value)
        except NOT_A_VALUE as error:
            expected = EXPECTED[self.schema.fields[name]]
            raise self._wrong(name, place, value, expected, error) from None

    def request_id(self, row: RawRow, place: Place) -> str | None:
        """Return a row's request id as text, whatever its type in the log."""
        value = row.get("request_id")
        try:
            return self._read_id(value)  # type: ignore[return-value]
        except NOT_A_VALUE as error:
            expected = "text or a whole number"
            raise self._wrong("request_id", place, value, expected, error) from None

    def request_ids(self, values: Sequence[object]) -> list[str | None]:
        """Return request ids as texts.

        Raises:
            ValueError: one of them is none.
        """
        if are_exact(values, "str", self._limits.id_bytes):
            return list(values)  # type: ignore[arg-type]
        return [self._read_id(value) for value in values]  # type: ignore[misc]

    def time(self, row: RawRow, place: Place, now: int) -> int:
        """Return a row's moment in microseconds since 1970 UTC."""
        value = row.get("time")
        try:
            return self.moment(value, now)
        except NOT_A_VALUE as error:
            raise self._wrong("time", place, value, self._expected_time(), error) from None

    def possible_time(self, row: RawRow, place: Place, now: int) -> int:
        """Return a row's moment, which must be one that can be.

        Raises:
            RequestError: it is no time, long before the log or after now.
        """
        moment, within = self.time(row, place, now), possible(self.schema, now)
        if within[0] <= moment <= within[1]:
            return moment
        name = self.schema.input_name("time")
        why = why_not(row.get("time"), moment, self.schema, within)
        raise RequestError(f"{_named(place)}: field '{name}': {why}")

    def moment(self, value: object, now: int) -> int:
        """Return a moment in microseconds since 1970 UTC.

        Args:
            value: what was sent.
            now: the moment where nothing was.

        Raises:
            ValueError: it is none, or :class:`OverflowError`.
        """
        moment = self._moments.get(type(value), self._moment)(value)
        return now if moment is None else moment

    def moments(self, values: Sequence[object], now: int) -> list[int]:
        """Return moments; see :meth:`moment`."""
        kinds = set(map(type, values))
        if kinds in ({int}, {str}):
            return list(map(self._moments[kinds.pop()], values))  # type: ignore[arg-type]
        return [self.moment(value, now) for value in values]

    def _moment(self, value: object) -> int | None:
        if is_missing(value):
            return None
        if not isinstance(value, str | int | float):
            return self._moment(plain(value))
        if isinstance(value, bool):
            raise ValueError
        if isinstance(value, str) and len(value) > _LONGEST_TIME:
            raise ValueError
        moment = parse_time(value, self.schema.time)
        return max(-_FURTHEST, min(moment, _FURTHEST))

    def refuse_first(self, rows: Iterable[tuple[Place, RawRow]], now: int, *, ids: bool) -> None:
        """Name the first value that is wrong, as its sender reads what was sent.

        Args:
            rows: by our names, each with its place.
            now: microseconds since 1970 UTC.
            ids: whether the ids of requests are read too.

        Raises:
            RequestError: a value is wrong.
        """
        known = set(self.fields)
        for place, row in rows:
            for name, value in row.items():
                if name == "request_id" and ids:
                    self.request_id(row, place)
                if name == "time":
                    read = self.possible_time if self._strict_times else self.time
                    read(row, place, now)
                if name in known:
                    self.coerce(value, name, place)

    def _expected_time(self) -> str:
        form = self.schema.time
        if form.format is not None:
            return f"ISO 8601 text or a time in the format {form.format}"
        if form.unit != "iso":
            return f"ISO 8601 text or a number in the log's unit ({form.unit})"
        return "ISO 8601 text or a number of seconds since 1970"

    def _wrong(
        self, name: str, place: Place, value: object, expected: str, why: Exception
    ) -> RequestError:
        at = f"{_named(place)}: field '{self.schema.input_name(name)}'"
        if not isinstance(why, TooLongError):
            return RequestError(f"{at}: expected {expected}, found {shown(value)}")
        setting = "max_id_bytes" if name in IDS else "max_text_bytes"
        most = self.longest(name)
        return RequestError(
            f"{at}: a text of {why.found:,} bytes: at most {most:,} (serving.{setting})"
        )


def plain_rows(rows: Sequence[RawRow], what: str = "row") -> list[dict[str, object]]:
    """Return rows as dictionaries, which hold what they hold, whatever is asked of them.

    Raises:
        RequestError: one is no mapping; named by its place among ``what``.
    """
    if set(map(type, rows)) <= {dict}:
        return rows  # type: ignore[return-value]
    return [plain_row(row, f"{what} {place}") for place, row in enumerate(rows)]


def plain_row(row: RawRow, place: Place) -> dict[str, object]:
    """Return a row as a dictionary.

    Raises:
        RequestError: it is no mapping.
    """
    if not isinstance(row, Mapping):
        raise RequestError(f"{_named(place)}: expected an object of raw fields, found {shown(row)}")
    return dict(row)


def _named(place: Place) -> str:
    return f"row {place}" if isinstance(place, int) else place
