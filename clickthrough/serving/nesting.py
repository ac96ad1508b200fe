"""Bodies whose rows nest objects, made flat before they are read, where a bundle knows such fields.

A body of another bundle, and one whose rows are flat, never comes here. What a row holds beside the
fields of the bundle may be anything that JSON is, as it may be in the log: it is passed over.
"""

from collections.abc import Callable, Iterable

import msgspec

from clickthrough.errors import RequestError
from clickthrough.nested import NestingError, flat, parents

Flatten = Callable[[bytes], bytes | None]
"""Gives what is flat; None where a body is no object. Raises as msgspec does, and RequestError."""
_UNKNOWN = 16
"""Objects of a row that mean nothing, which may stand beside those that do."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Nesting:
    """Makes rows flat that nest objects.

    Args:
        names: that the bundle knows; some are dotted.

    Attributes:
        objects: that a row may hold, itself among them, if all rows that a body may have do.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._objects = parents(self._names)
        self.objects = 1 + len(self._objects) + _UNKNOWN

    @classmethod
    def of(cls, names: Iterable[str]) -> "Nesting | None":
        """Return what suits the names of a bundle's fields; None where none is dotted."""
        own = [*names]
        return cls(own) if any("." in name for name in own) else None

    def body(self, data: bytes) -> bytes | None:
        """Make the rows of a body flat; see :data:`Flatten`."""
        try:
            body = _decode(data)
        except msgspec.ValidationError:  # a number out of range
            body = _by_parts(data)
        if not isinstance(body, dict):
            return None
        return _encode({name: self._part(name, part) for name, part in body.items()})

    def row(self, place: int, data: bytes) -> bytes | None:
        """Make a row that came alone flat; see :data:`Flatten`."""
        row = _decode(data)
        return _encode(self._flat(row, f"row {place}")) if isinstance(row, dict) else None

    def _part(self, name: str, part: object) -> object:
        if isinstance(part, list):
            return [self._flat(row, f"row {place}") for place, row in enumerate(part)]
        return self._flat(part, name)

    def _flat(self, row: object, place: str) -> object:
        if not isinstance(row, dict):
            return row
        try:
            row = flat(row, self._objects)
        except NestingError as error:
            raise RequestError(f"{place}: {error}") from None
        if list not in map(type, row.values()) or row.keys() <= self._names:
            return row
        known = self._names
        return {n: [] if type(v) is list and n not in known else v for n, v in row.items()}


def _by_parts(data: bytes) -> object:
    """Decode a body so that an error says in which part it is."""
    parts = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    for name, text in parts.items():
        try:
            _decode(text)
        except msgspec.ValidationError as error:
            raise msgspec.ValidationError(str(error).replace("`$", f"`$.{name}", 1)) from None
    return _decode(data)
