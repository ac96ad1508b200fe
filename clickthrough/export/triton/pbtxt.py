"""Configurations of Triton in the text form of protocol buffers.

They are written without a library of protocol buffers; tests read them with the real one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence


class Enum(str):
    """A name of an enumeration, which stands without quotes."""

    __slots__ = ()


Field = str | int | float | bool | Mapping[str, "Field"] | Sequence["Field"]


def pbtxt(message: Mapping[str, Field]) -> str:
    """Return a message as text.

    A list is a field that comes again for each entry; a mapping is a message.

    >>> print(pbtxt({"name": "ctr", "input": [{"data_type": Enum("TYPE_STRING"), "dims": [1]}]}))
    name: "ctr"
    input {
      data_type: TYPE_STRING
      dims: 1
    }
    <BLANKLINE>
    """
    return "".join(f"{line}\n" for line in _lines(message))


def _lines(message: Mapping[str, Field]) -> Iterator[str]:
    for name, value in message.items():
        several = not isinstance(value, str | Mapping) and isinstance(value, Sequence)
        for one in value if several else [value]:  # type: ignore[union-attr]
            if isinstance(one, Mapping):
                yield f"{name} {{"
                yield from (f"  {line}" for line in _lines(one))
                yield "}"
            else:
                yield f"{name}: {_scalar(one)}"


def _scalar(value: Field) -> str:
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value)  # quotes and escapes of ASCII are those of the text form
