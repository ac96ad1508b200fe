"""How the files of a log are written: the dialect of a CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self

ForcedType = Literal["int", "float", "str"]


@dataclass(frozen=True)
class TableForm:
    """How table files are written; by default as what is called plain: CSV as RFC 4180 has it.

    Attributes:
        separator: of a CSV.
        columns: the names of the columns of a CSV without a header.
        types: columns whose type is given; a str is read as it stands, whatever it looks like.
        encoding: of a CSV that is neither UTF-8 nor, by its bytes, UTF-16 or UTF-32.
        skip: lines above the header, beside comments, which are no part of the table.
        comment: begins lines that are no part of the table.
        trim: whether blanks around cells are no part of them.
        quote: the sign around cells that hold a separator.
        escape: whether a backslash stands before a quote within a cell, instead of another quote.
        missing: texts that stand for no value, beside an empty one.
        missing_in: columns -> texts that stand for no value there alone.
        numbers: columns whose numbers have the signs below; all others are as a program writes.
        decimal: the sign before the digits of a fraction.
        thousands: the sign between groups of three digits; a blank stands for all kinds of blanks.
    """

    separator: str = ","
    columns: tuple[str, ...] | None = None
    types: Mapping[str, ForcedType] = field(default_factory=dict)
    encoding: str | None = None
    skip: int = 0
    comment: str | None = None
    trim: bool = False
    quote: str = '"'
    escape: bool = False
    missing: tuple[str, ...] = ()
    missing_in: Mapping[str, Sequence[str]] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str | None = None

    @property
    def of_lines(self) -> tuple[object, ...]:
        """All that lines depend on, to tell forms apart."""
        return (self.encoding, self.separator, self.skip, self.comment, self.trim, self.quote,
                self.escape)  # fmt: skip

    @property
    def has_plain_lines(self) -> bool:
        """Whether the reader of tables takes the lines of a text in UTF-8 as they are."""
        odd = self.skip or self.comment or self.trim or self.escape or self.quote != '"'
        return not odd

    def with_skip(self, skip: int) -> Self:
        """Return the form of a file with so many lines above its header, and all else as here."""
        return replace(self, skip=skip)

    def with_plain_lines(self) -> Self:
        """Return the form of a file whose lines are plain, and all else as here."""
        return replace(self, skip=0, comment=None, trim=False, quote='"', escape=False)
