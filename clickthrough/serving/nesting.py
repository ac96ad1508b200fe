"""Bodies whose rows nest objects, made flat before they are read, where a bundle knows such fields.

A body of another bundle, and one whose rows are flat, never comes here.
"""

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

import msgspec

from clickthrough.nested import DEPTH, flat
from clickthrough.serving.contract import Row, Scalar

Flatten = Callable[[bytes], bytes | None]
"""Gives what is flat; None where a body holds what no field can, whether it is flat or not."""
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_encode = msgspec.json.Encoder().encode


class Nesting:
    """Makes rows flat that nest as deep as the names that a bundle knows, and no deeper.

    Args:
        depth: objects within a row's.
        objects: that a row may hold, itself among them.
    """

    def __init__(self, depth: int, objects: int) -> None:
        self.objects = objects
        row: Any = reduce(lambda inner, _: _nested(inner), range(depth), Row)
        self._rows = msgspec.json.Decoder(dict[str, list[row] | row | int | None]).decode
        self._row = msgspec.json.Decoder(row).decode

    @classmethod
    def of(cls, names: Iterable[str]) -> "Nesting | None":
        """Return what suits the names of a bundle's fields; None where none is dotted."""
        dotted = [name for name in names if "." in name]
        if not dotted:
            return None
        depth = max(name.count(".") for name in dotted)
        return cls(min(depth, DEPTH - 1), 1 + sum(name.count(".") for name in dotted))

    def body(self, data: bytes) -> bytes | None:
        """Make the rows of a body flat; see :data:`Flatten`."""
        try:
            body = self._rows(data)
        except _UNREADABLE:
            return None
        return _encode({name: _flat(part) for name, part in body.items()})

    def row(self, data: bytes) -> bytes | None:
        """Make a row that came alone flat; see :data:`Flatten`."""
        try:
            return _encode(flat(self._row(data)))
        except _UNREADABLE:
            return None


def _nested(row: Any) -> Any:  # noqa: ANN401 - a type
    return dict[str, Scalar | list[Scalar] | row]


def _flat(part: object) -> object:
    if isinstance(part, list):
        return [*map(flat, part)]
    return flat(part) if isinstance(part, dict) else part
