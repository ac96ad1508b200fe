"""Impressions as a program gives them: one, several, or a frame."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from clickthrough.errors import RequestError
from clickthrough.features.rows import RawRow


class Columnar(Protocol):
    """A frame of pandas, Polars or Arrow, by what all of them have."""

    @property
    def columns(self) -> Any:  # noqa: ANN401 - names or arrays, by the library
        """Its columns."""


Given = RawRow | Sequence[RawRow] | Columnar
"""An impression, several, or a frame of them."""


def rows_of(given: Given) -> Sequence[RawRow]:
    """Return impressions as rows; frames are taken apart by their own methods.

    Raises:
        RequestError: it is none of what is expected.
    """
    if isinstance(given, list | tuple):
        return given
    if isinstance(given, Mapping):
        return [given]
    for method, named in (("to_dicts", {}), ("to_pylist", {}), ("to_dict", {"orient": "records"})):
        rows = getattr(given, method, None)
        if rows is not None:
            return [{str(name): value for name, value in row.items()} for row in rows(**named)]
    raise RequestError(
        f"expected impressions, as dictionaries or a frame, found {type(given).__name__}"
    )
