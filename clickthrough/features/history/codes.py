"""Fields as whole numbers from 0, alike all over a log: what batch history sorts and compares."""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.errors import DataError

Ints = NDArray[np.int64]

MISSING = -1
"""The code of a value that is missing."""
_WHOLE_BITS = 31
"""Whole numbers of a wider range are numbered as they come, like texts."""
_NUMBERED_BITS = 31
_KEY_BITS = 62


class Codes(Protocol):
    """The codes of one field.

    Attributes:
        bits: how many a code takes.
        is_kept: whether codes are dear to make, and better kept than made again.
    """

    bits: int
    is_kept: bool

    def of(self, values: pl.Series) -> Ints:
        """Return the code of each value, ``MISSING`` where it is null."""

    def values(self, codes: Ints) -> pl.Series:
        """Return the value of each code, null where it is ``MISSING``."""

    def ranks(self, codes: Ints) -> Ints:
        """Return numbers that are in the order of the values."""


class OffsetCodes:
    """Whole numbers, less the smallest of them.

    Args:
        low: the smallest.
        high: the largest.
        kind: the type of the values.
    """

    is_kept = False

    def __init__(self, low: int, high: int, kind: pl.DataType) -> None:
        self.bits = max(1, (high - low).bit_length())
        self._low, self._kind = low, kind

    def of(self, values: pl.Series) -> Ints:
        """Return the code of each value."""
        numbers = (values.cast(pl.Int64) - self._low).fill_null(MISSING)
        return numbers.to_numpy()

    def values(self, codes: Ints) -> pl.Series:
        """Return the value of each code."""
        known = pl.Series(codes + self._low)
        return known.set(pl.Series(codes == MISSING), None).cast(self._kind)

    @staticmethod
    def ranks(codes: Ints) -> Ints:
        """Return the codes: they are in order."""
        return codes


class NumberedCodes:
    """Texts, or whole numbers of a wide range, numbered as they come.

    Args:
        kind: the type of the values.
    """

    bits = _NUMBERED_BITS
    is_kept = True

    def __init__(self, kind: pl.DataType) -> None:
        self._kind = kind
        self._categories = pl.Categories.random("history")
        self._type = pl.Categorical(self._categories)
        self._alive = pl.Series([], dtype=self._type)  # without a series Polars forgets the codes
        self._found: _Numbered | None = None

    def of(self, values: pl.Series) -> Ints:
        """Return the code of each value."""
        self._found = None
        numbered = values.cast(pl.String).cast(self._type).to_physical()
        return numbered.cast(pl.Int64).fill_null(MISSING).to_numpy()

    def values(self, codes: Ints) -> pl.Series:
        """Return the value of each code."""
        places = pl.Series(codes)
        return self._numbered().values.gather(places.set(places == MISSING, None))

    def ranks(self, codes: Ints) -> Ints:
        """Return numbers that are in the order of the values: texts by their bytes."""
        return self._numbered().ranks.take(codes)

    def _numbered(self) -> "_Numbered":
        found = self._found
        if found is None:
            self._found = found = _Numbered(self._categories.to_series().cast(self._kind))
        return found


class _Numbered:
    """The values that have come so far, in the order of their codes."""

    def __init__(self, values: pl.Series) -> None:
        self.values = values

    @cached_property
    def ranks(self) -> Ints:
        """The place of each among all in order."""
        order = self.values.arg_sort().to_numpy()
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        return ranks


def codes_of(scans: list[pl.LazyFrame], field: str) -> Codes:
    """Return the codes of a field, which is in all of some tables.

    Raises:
        DataError: it is of whole numbers in one, and of texts in another.
    """
    kinds = [scan.select(field).collect_schema()[field] for scan in scans]
    kind = kinds[0]
    if len({one.is_integer() or one == pl.Boolean for one in kinds}) > 1:
        raise DataError(
            f"field '{field}' is of one type in all tables of a log; found "
            f"{' and '.join(dict.fromkeys(map(str, kinds)))}"
        )
    if not kind.is_integer() and kind != pl.Boolean:
        return NumberedCodes(kind)
    own = (scan.select(pl.col(field).cast(pl.Int64)) for scan in scans)
    ends = [
        scan.select(low=pl.col(field).min(), high=pl.col(field).max()).collect(engine="streaming")
        for scan in own
    ]
    low, high = pl.concat(ends).select(pl.col("low").min(), pl.col("high").max()).row(0)
    if low is None:
        return OffsetCodes(0, 0, kind)
    if (high - low).bit_length() > _WHOLE_BITS:
        return NumberedCodes(kind)
    return OffsetCodes(low, high, kind)


class KeyCodes:
    """The codes of keys, which are made of those of their fields.

    Args:
        fields: the codes of each.
    """

    def __init__(self, fields: Sequence[Codes]) -> None:
        self._fields = fields
        self._narrowed = [NumberedCodes(pl.Int64()) for _ in fields]

    def of(self, each: Sequence[Ints]) -> Ints:
        """Return the code of each key, negative where any part is missing."""
        key, bits = each[0], self._fields[0].bits
        for codes, own, narrowed in zip(
            self._fields[1:], each[1:], self._narrowed[1:], strict=True
        ):
            if bits + codes.bits > _KEY_BITS:
                key, bits = narrowed.of(pl.Series(key).set(pl.Series(key < 0), None)), narrowed.bits
            key, bits = (key << codes.bits) | own, bits + codes.bits
        return key
