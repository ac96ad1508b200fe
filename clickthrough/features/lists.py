"""Lists of several fields turned into arrays at once, however many rows and fields there are."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, chain, islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.values import LISTS, MANY, Scalar, Value, are_exact
from clickthrough.schema import MISSING_INT, Columns, FieldType

Listed = Sequence[Scalar] | Value
"""A list, or None."""
_MISSING = type(None)


class ListBlock(NamedTuple):
    """Lists of several fields of a type: those of a field's rows, then those of the next field's.

    Attributes:
        sizes: field -> how many rows it has.
        lengths: of every list.
        entries: of all lists.
    """

    sizes: dict[str, int]
    lengths: list[int]
    entries: list[Scalar]

    @classmethod
    def of(cls, values: Mapping[str, Sequence[Listed]]) -> "ListBlock":
        """Gather lists that were read."""
        lists = [row if row else () for row in chain.from_iterable(values.values())]
        sizes = dict(zip(values, map(len, values.values()), strict=True))
        return cls(sizes, [*map(len, lists)], [*chain.from_iterable(lists)])  # type: ignore[arg-type]

    @classmethod
    def read(
        cls, values: Mapping[str, Sequence[object]], kind: FieldType, most: int
    ) -> "ListBlock | None":
        """Gather lists as they were sent, if all are as they are to be read.

        Args:
            values: of each field lists, or None.
            kind: the type of the lists.
            most: the bytes that a text may have.
        """
        rows = [*chain.from_iterable(values.values())]
        if not set(map(type, rows)) <= {list, _MISSING}:
            return None
        lists = [row for row in rows if row]
        # rows may share a list, of any length
        if sum(map(len, lists)) > MANY and len({*map(id, lists)}) < len(lists):  # type: ignore[arg-type]
            return None
        made = cls.of(values)  # type: ignore[arg-type]
        return made if are_exact(made.entries, LISTS[kind], most) else None

    def beside(self, values: Mapping[str, Sequence[Listed]]) -> "ListBlock":
        """Return the same with other fields beside, whose lists were read."""
        sizes, lengths, entries = ListBlock.of(values)
        return ListBlock(self.sizes | sizes, self.lengths + lengths, self.entries + entries)

    def rows(self) -> dict[str, list[list[Scalar]]]:
        """Return each field's lists one by one."""
        found, entries = dict[str, list[list[Scalar]]](), iter(self.entries)
        lengths = iter(self.lengths)
        for name, size in self.sizes.items():
            found[name] = [[*islice(entries, length)] for length in islice(lengths, size)]
        return found

    def arrays(self, kind: FieldType, widths: Mapping[str, int]) -> Columns:
        """Return each field as an array of shape (rows, width): cut, or filled with missing values.

        Args:
            kind: the type of the entries.
            widths: of each field.
        """
        if {*self.sizes.values()} == {1}:
            return self._of_one_row(kind, widths)
        sizes = np.array([*self.sizes.values()], np.int64)
        width = np.array([widths[name] for name in self.sizes], np.int64)
        whole, counts = width.repeat(sizes), np.array(self.lengths, np.int64)
        within = np.arange(len(self.entries)) - (counts.cumsum() - counts).repeat(counts)
        places = (whole.cumsum() - whole).repeat(counts) + within
        held = to_array(self.entries, kind)
        if (counts > whole).any():
            kept = within < whole.repeat(counts)
            places, held = places[kept], held[kept]
        made = np.full(whole.sum(), to_array([None], kind)[0], held.dtype)
        made[places] = held
        return self._divided(made, widths)

    def _of_one_row(self, kind: FieldType, widths: Mapping[str, int]) -> Columns:
        """Return the arrays of fields that have a single row: sooner than by arrays."""
        made: list[Scalar] = []
        start = 0
        for name, length in zip(self.sizes, self.lengths, strict=True):
            width = widths[name]
            made += self.entries[start : start + min(length, width)]
            made += [None] * (width - length)
            start += length
        return self._divided(to_array(made, kind), widths)

    def _divided(self, made: NDArray[np.generic], widths: Mapping[str, int]) -> Columns:
        columns: Columns = {}
        start = 0
        for name, size in self.sizes.items():
            end = start + size * widths[name]
            columns[name] = made[start:end].reshape(size, widths[name])
            start = end
        return columns


def padded(rows: Sequence[Listed], width: int, kind: FieldType) -> NDArray[np.generic]:
    """Return lists as an array of shape (n, width): cut, or filled up with missing values."""
    return ListBlock.of({"": cut(rows, width)}).arrays(kind, {"": width})[""]


def cut(rows: Sequence[Listed], width: int) -> Sequence[Listed]:
    """Return lists no longer than ``width``; rows may share one of any length."""
    if max((len(row) for row in rows if row), default=0) <= width:  # type: ignore[arg-type]
        return rows
    return [row[:width] if row else row for row in rows]  # type: ignore[index]


def scalar_arrays(values: Mapping[str, Sequence[Value]], kind: FieldType) -> Columns:
    """Return fields of a type as arrays of their own length."""
    made = to_array([*chain.from_iterable(values.values())], kind)  # type: ignore[list-item]
    ends = [*accumulate(map(len, values.values()))]
    return {
        name: made[end - len(own) : end]
        for (name, own), end in zip(values.items(), ends, strict=True)
    }


def to_array(values: Sequence[Scalar], kind: FieldType) -> NDArray[np.generic]:
    """Return values as the encoder's array of their type."""
    if kind == "float":
        return np.array(values, np.float64)  # None becomes NaN
    if kind == "str":
        return np.array([b"" if v is None else str(v).encode() for v in values], np.bytes_)
    whole = [MISSING_INT if v is None else v for v in values] if None in values else values
    return np.array(whole, np.int64)
