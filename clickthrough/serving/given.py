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
    if hasattr(given, "collect"):  # Polars' lazy frames
        given = given.collect()
    if not hasattr(given, "columns"):
        if hasattr(given, "to_dict"):  # a row of a frame of pandas
            return [given.to_dict()]
        raise RequestError(
            f"expected impressions, as dictionaries or a frame, found {type(given).__name__}"
        )
    return [{str(name): value for name, value in row.items()} for row in _rows(given)]


def _rows(frame: Any) -> Any:  # noqa: ANN401 - of any library
    for method in ("to_dicts", "to_pylist"):
        if hasattr(frame, method):
            return getattr(frame, method)()
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RequestError(f"the frame has several columns '{twice[0]}'")
    return frame.to_dict(orient="records")
