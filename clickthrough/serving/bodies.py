"""Bodies read once, into typed rows; what is wrong with one is said in a line or two.

JSON is read strictly, but for ``NaN`` and ``Infinity``, which pandas and Python write and which
stand for missing values.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Generic, NoReturn, TypeVar

import msgspec

from clickthrough.errors import RequestError
from clickthrough.serving.contract import Row, Scalar
from clickthrough.serving.nesting import Flatten, Nesting

Body = TypeVar("Body")
Finding = dict[str, str | list[str | int]]

_STRING = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+"?)', re.DOTALL)
_PATH = re.compile(r" - at `\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_HALF = re.compile(
    rb"(?<!\\)(?:\\\\)*(\\u[dD][89abAB][0-9a-fA-F]{2})(?!\\u|\\?\Z).{1,5}\Z", re.DOTALL
)
"""Half a surrogate pair too near the end for msgspec, which then takes the body for cut."""
NO_TEXT = "the body is no text in UTF-8"
_NO_NUMBERS = (b"NaN", b"-Infinity", b"Infinity")
_NOT_ROWS = 2
"""Objects of a body that are no rows, unless it says otherwise: itself, and a context."""
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_MOST_TEXT = 200
"""Characters of a finding: it may quote what was sent."""
_FORMS = {
    "array": ("list_type", "Input should be a valid list"),
    "object": ("dict_type", "Input should be a valid dictionary"),
    "int | null": ("int_type", "Input should be a valid integer"),
    "int": ("int_type", "Input should be a valid integer"),
    "int` >= 1": ("greater_than_equal", "Input should be greater than or equal to 1"),
}
"""What msgspec expects -> what FastAPI would say of it."""


class WrongBody(Exception):  # noqa: N818 - an answer
    """A body that cannot be read.

    Attributes:
        status: 400 where it is no text, 422 where it has another form.
        detail: what the caller is told.
    """

    def __init__(self, status: int, detail: str | list[Finding]) -> None:
        super().__init__(str(detail))
        self.status = status
        self.detail = detail


class BodyReader(Generic[Body]):
    """Reads bodies of one form.

    Args:
        form: the struct that a body is.
        rows_of: its rows.
        what: what these are called.
        beside: objects of a body that are no rows.
    """

    def __init__(
        self,
        form: type[Body],
        rows_of: Callable[[Body], Sequence[object]],
        what: str,
        beside: int = _NOT_ROWS,
    ) -> None:
        self._decode = msgspec.json.Decoder(form).decode
        self._refuse = partial(_refuse, _shape(form))
        self._rows_of, self._what, self._beside = rows_of, what, beside

    def read(self, data: bytes, most: int, nesting: Nesting | None = None) -> Body:
        """Read a body.

        Args:
            data: as it came.
            most: rows.
            nesting: makes rows flat that nest objects, where the bundle knows such.

        Raises:
            WrongBody: it is no JSON or of another form.
            RequestError: it has too many rows.
        """
        objects, flatten = (1, None) if nesting is None else (nesting.objects, nesting.body)
        bound = (most + self._beside) * objects
        if _has_more_objects(data, bound):
            found = f"{bound:,} objects, which are more than those of" if nesting else ""
            whole = " ".join(filter(None, [found, f"{most} {self._what}"]))
            raise RequestError(f"more than {whole} (serving.max_impressions)")
        body = _decoded(self._decode, data, self._refuse, flatten)
        if (rows := len(self._rows_of(body))) > most:
            raise RequestError(f"{rows} {self._what}: at most {most} (serving.max_impressions)")
        return body


def read_row(text: bytes, place: int, nesting: Nesting | None = None) -> Row:
    """Read the raw fields of one impression from a JSON text of its own.

    Args:
        text: an object, and nothing beside.
        place: what errors call the row.
        nesting: makes it flat, where the bundle knows fields of nested objects.

    Raises:
        WrongBody: it is no text in UTF-8.
        RequestError: it is no JSON, no object, or a field holds what no field can.
    """
    flatten = None if nesting is None else partial(nesting.row, place)
    return _decoded(_decode_row, text, partial(_refuse_row, place), flatten)


_decode_row = msgspec.json.Decoder(Row).decode


def _decoded(
    decode: Callable[[bytes], Body],
    data: bytes,
    refuse: Callable[[bytes, Exception], NoReturn],
    flatten: Flatten | None = None,
) -> Body:
    """Decode JSON in which numbers may be missing, as NaN or an infinity, and rows may nest."""
    try:
        return decode(data)
    except _UNREADABLE as error:
        if flatten is not None and (made := _flattened(flatten, data, refuse)) is not None:
            return _decoded(decode, made, refuse)
        if isinstance(error, msgspec.ValidationError) or not any(n in data for n in _NO_NUMBERS):
            refuse(data, error)
    data = with_nulls(data)
    try:
        return decode(data)
    except _UNREADABLE as error:
        refuse(data, error)


def _flattened(
    flatten: Flatten, data: bytes, refuse: Callable[[bytes, Exception], NoReturn]
) -> bytes | None:
    data = with_nulls(data)
    try:
        return flatten(data)
    except _UNREADABLE as error:
        refuse(data, error)


def with_nulls(data: bytes) -> bytes:
    """Return JSON in which NaN and infinities are null, but for those in texts."""
    if not any(name in data for name in _NO_NUMBERS):
        return data
    parts = _STRING.split(data)
    beside = b'"'.join(parts[::2])  # no quote is beside the texts
    for name in _NO_NUMBERS:
        beside = beside.replace(name, b"null")
    parts[::2] = beside.split(b'"')
    return b"".join(parts)


def _has_more_objects(data: bytes, most: int) -> bool:
    """Say whether a body holds more objects: to make them takes a hundred times as long."""
    if data.count(b"{") <= most:
        return False
    return sum(beside.count(b"{") for beside in _STRING.split(data)[::2]) > most


def _shape(form: type) -> str:
    """Say what a body is, for who sent another.

    >>> from clickthrough.serving.contract import PredictBody
    >>> _shape(PredictBody)
    '; expected {"impressions": [{...}, ...]} (may hold explain)'
    """
    rows, *others = (field.encode_name for field in msgspec.structs.fields(form))
    may = f" (may hold {', '.join(others)})" if others else ""
    return f'; expected {{"{rows}": [{{...}}, ...]}}{may}'


def _refuse(shape: str, data: bytes, error: Exception) -> NoReturn:
    """Say what is wrong, from what msgspec has found first; of the whole body what it should be."""
    _refuse_bytes(data, error)
    said = _said(data, error)
    if not isinstance(error, msgspec.ValidationError):
        place = re.search(r"\(byte (\d+)\)", said)
        loc: list[str | int] = ["body", int(place[1])] if place else ["body"]
        _wrong("json_invalid", loc, f"JSON decode error: {said}")
    at = _PATH.search(said)
    steps = _STEP.findall(at[1]) if at else []
    if any(index == "..." for _, index in steps):
        raise RequestError(_wrong_value(data, steps, said))
    loc = ["body", *(name or int(index) for name, index in steps)]
    for pattern, kind, message in _OF_KEYS:
        if named := pattern.match(said):
            whole = shape if len(loc) == 1 else ""
            _wrong(kind, [*loc, named[1][:_MOST_TEXT]], message + whole)
    expected = re.match(r"Expected `(.*?)(?:`, got|` - at|$)", said)
    kind, message = _FORMS.get(expected[1] if expected else "", ("value_error", said))
    _wrong(kind, loc, message + (shape if len(loc) == 1 else ""))


_OF_KEYS = [
    (re.compile(r"Object missing required field `(.*?)`"), "missing", "Field required"),
    (
        re.compile(r"Object contains unknown field `(.*?)`"),
        "extra_forbidden",
        "Extra inputs are not permitted",
    ),
]


def _wrong(kind: str, loc: list[str | int], message: str) -> NoReturn:
    raise WrongBody(422, [{"type": kind, "loc": loc, "msg": message[:_MOST_TEXT]}]) from None


def _refuse_row(place: int, data: bytes, error: Exception) -> NoReturn:
    """Say what is wrong with a row that came alone."""
    _refuse_bytes(data, error)
    said, where = _said(data, error), f"row {place}"
    if not isinstance(error, msgspec.ValidationError):
        raise RequestError(f"{where}: JSON decode error: {said[:_MOST_TEXT]}") from None
    if _PATH.search(said) is None:
        found = said.rpartition("got `")[2].split("`")[0]
        raise RequestError(f"{where}: expected an object of raw fields, found {found}") from None
    raise RequestError(_of_value(where, lambda: data, said)) from None


def _said(data: bytes, error: Exception) -> str:
    """Return what msgspec says of a body, where it is right."""
    if "truncated" in str(error) and (half := _HALF.search(data)):
        return f"JSON is malformed: half of a surrogate pair (byte {half.start(1)})"
    return str(error)


def _refuse_bytes(data: bytes, error: Exception) -> None:
    """Refuse what is no text."""
    if isinstance(error, UnicodeDecodeError) or not is_text(data):
        raise WrongBody(400, NO_TEXT) from None


def _wrong_value(data: bytes, steps: list[tuple[str, str]], said: str) -> str:
    """Name the row and the field of a value that no field can have."""
    where = steps[0][0] if steps[1][1] == "..." else f"row {steps[1][1]}"
    return _of_value(where, lambda: _row_of(data, steps), said)


def _of_value(where: str, row: Callable[[], bytes | msgspec.Raw], said: str) -> str:
    far = "out of range" in said
    # unless what follows is no JSON either, or nests too deep to be passed over
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError, LookupError):
        name = _wrong_field(row(), _decode_anything if far else _decode_values)
        where = f"{where}: field '{name[:_MOST_TEXT]}'"
    found = "a number out of range" if far else said.rpartition("got `")[2]
    expected = "null, true, false, a number, a text or a flat list"
    return f"{where}: expected {expected}, found {found.split('`')[0]}"


def _row_of(data: bytes, steps: list[tuple[str, str]]) -> msgspec.Raw:
    """Return the row of a body to which steps lead."""
    part = msgspec.json.decode(data, type=dict[str, msgspec.Raw])[steps[0][0]]
    if steps[1][1] == "...":
        return part
    return msgspec.json.decode(part, type=list[msgspec.Raw])[int(steps[1][1])]


def _wrong_field(row: bytes | msgspec.Raw, decode: Callable[[bytes], object]) -> str:
    """Return the name of the first field in a row that has no value.

    Args:
        row: as it came.
        decode: takes a list of values.

    Raises:
        LookupError: each has one: the body names its rows twice.
    """
    fields = msgspec.json.decode(row, type=dict[str, msgspec.Raw])
    try:  # all at once, up to the first: one by one takes a hundred times as long
        decode(b"[" + b",".join(fields.values()) + b"]")
    except msgspec.ValidationError as error:
        return list(fields)[int(_STEP.findall(str(error))[0][1])]
    raise LookupError


_decode_anything = msgspec.json.Decoder().decode
_decode_values = msgspec.json.Decoder(list[Scalar | list[Scalar]]).decode


def is_text(data: bytes) -> bool:
    """Say whether bytes are text in UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
