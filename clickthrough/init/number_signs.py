"""Whether texts are numbers as people write them, and what their signs mean: by evidence. Pure.

``1,352`` may be a number with thousands, a fraction of three digits, or a list of two ids. So the
shape of cells alone decides nothing: it takes cells that only one of these readings explains.
"""

from dataclasses import dataclass, replace

import polars as pl

from clickthrough.data.form import TableForm
from clickthrough.data.written_numbers import between, number_pattern
from clickthrough.init.names import words

SIGNS = ((",", "."), (".", ","), (" ", ","), (" ", "."), ("'", "."), ("'", ","), ("_", "."))
"""Signs between thousands, each with one before fractions."""
_AGAINST = frozenset({"ip", "ips", "version", "phone", "tel", "mobile", "ids", "list", "tags",
                      "size", "dimensions", "isbn", "iban"})  # fmt: skip
"""Words in the names of columns whose digits are no number."""
_MANY = 30
"""Numbers of several groups, of which none of the later ones begins with 0: those are ids."""
_MOST_GROUPS, _PAIR, _DIGITS = 3, 2, 3
_SHORT = 0.1
"""Share of numbers that begin with fewer digits than a group has."""


@dataclass(frozen=True)
class Style:
    """How the numbers of a column are written.

    Attributes:
        decimal: the sign before fractions; None where the column shows none.
        thousands: the sign between thousands; None where it shows none.
        example: a number that shows it.
        doubt: what else it could be, as the end of a sentence.
    """

    decimal: str | None
    thousands: str | None
    example: str
    doubt: str = ""

    @property
    def sure(self) -> bool:
        """Whether it can be nothing else."""
        return not self.doubt

    def goes_with(self, other: "Style") -> bool:
        """Say whether both can be of one file."""
        decimals = {self.decimal, other.decimal} - {None}
        thousands = {self.thousands, other.thousands} - {None}
        return len(decimals) <= 1 and len(thousands) <= 1 and not decimals & thousands


def style_of(column: pl.Series, separator: str) -> Style | None:
    """Return the style of a column's numbers; None where it holds none, or plain ones.

    Args:
        column: texts.
        separator: of the file's cells.
    """
    texts = column.drop_nulls()
    if not len(texts) or _AGAINST & set(words(column.name)):
        return None
    if not texts.head(100).str.contains(r"^[-+]?[.,]?\d").all():
        return None
    able = (TableForm(thousands=sign, decimal=decimal) for sign, decimal in SIGNS)
    grouped = (_grouped(texts, form, separator) for form in able if _all(texts, form))
    return next((style for style in grouped if style), None) or _with_comma(texts, separator)


def _grouped(texts: pl.Series, form: TableForm, separator: str) -> Style | None:
    """Tell signs between thousands, of texts that may be such numbers."""
    sign, decimal, signs = form.thousands, form.decimal, between(form)
    fraction = texts.str.contains(decimal, literal=True)
    having = texts.filter(texts.str.contains(signs))
    if not len(having):
        return None
    both = texts.filter(fraction & texts.str.contains(signs))
    if len(both):
        return Style(decimal, sign, str(both[0]))
    bare = texts.filter(~fraction & ~texts.str.contains(signs))
    groups = max(having.str.count_matches(signs).to_list()) + 1
    small = bool(bare.str.contains(r"^[-+]?\d{1,3}$").all()) if len(bare) else True
    zeros = bool(having.str.contains(f"{signs}0").any())  # which a list of ids hardly has
    if not small or groups > _MOST_GROUPS + zeros:
        return None
    made = Style(decimal if fraction.any() else None, sign, str(having[0]))
    # where ids are short, they are so in the middle of a list as well
    short = bool((texts.str.extract(r"(\d+)").str.len_chars() < _DIGITS).mean() >= _SHORT)  # type: ignore[operator]
    if len(bare) and (zeros or short or len(having) < _MANY):
        return made if zeros or short else replace(made, doubt=_OR_LIST)
    if zeros and groups > _PAIR:
        return made
    if zeros and sign == "," and separator != ";":
        return replace(made, doubt="; a fraction of three digits if these are small")
    return None


def _with_comma(texts: pl.Series, separator: str) -> Style | None:
    """Tell commas before fractions."""
    having = texts.filter(texts.str.contains(",", literal=True))
    if not len(having) or not _all(texts, TableForm(decimal=",")):
        return None
    example = str(having[0])
    of_three = having.str.contains(r"^[-+]?[1-9]\d{0,2},\d{3}$").all()
    if of_three:
        zeros = having.str.contains(",0").any()
        if separator != ";" or not (zeros or len(having) < _MANY):
            return None
        return Style(",", None, example, "; thousands if these are large")
    pairs = having.str.contains(r"^[1-9],\d$").all()
    return Style(",", None, example, _OR_LIST if pairs else "")


_OR_LIST = "; or lists, if these are no numbers"


def _all(texts: pl.Series, style: TableForm) -> bool:
    return bool(texts.str.contains(number_pattern(style)).all())
