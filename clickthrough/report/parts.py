"""What a page is made of: sections of figures, each a chart with its table, and lines of text."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """Columns by their headings, cells as they are written.

    Attributes:
        texts: whether cells are texts, which wrap, and no numbers.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: bool = False


@dataclass(frozen=True)
class Figure:
    """A chart, what tells its series, a sentence below, and the same as a table.

    Attributes:
        open: whether the table is shown at once: then it is the figure.
        wide: whether it takes the whole width of the page.
    """

    title: str
    chart: Markup | None = None
    legend: Markup | None = None
    text: str = ""
    table: Table | None = None
    open: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    id: str
    title: str
    text: Sequence[str] = ()
    figures: Sequence[Figure] = field(default_factory=tuple)


def number(value: float | None, digits: int = 4) -> str:
    """Write a number.

    >>> number(0.12345), number(None), number(1234.5, 0)
    ('0.1235', '–', '1,234')
    """
    return "–" if value is None else f"{value:,.{digits}f}"


def signed(value: float | None, digits: int = 4) -> str:
    """Write a difference, with its sign."""
    return "–" if value is None else f"{value:+,.{digits}f}"


def share(value: float | None, digits: int = 1) -> str:
    """Write a share as per cent."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"
