"""One form for several files: how all tables of a log are written, its side tables among them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from clickthrough.config.data import Dialect
from clickthrough.data.form import TableForm

_ALIKE = ("skip", "quote", "encoding")
"""What must be the same in all files that one configuration reads."""


def why_otherwise(own: TableForm, log: TableForm) -> str | None:
    """Say how a table is written that no configuration of the log reads; None where one does."""
    plain = TableForm()
    for setting in _ALIKE:
        here, there = getattr(own, setting), getattr(log, setting)
        either = setting == "encoding" and None in (here, there)  # what is UTF-8 shows it
        if here != there and not either:
            said = "plainly" if here == getattr(plain, setting) else f"with {setting} {here!r}"
            return f"is written {said}, and the log otherwise"
    decimals = {own.decimal, log.decimal} - {plain.decimal}
    thousands = {own.thousands, log.thousands} - {None}
    if len(thousands) > 1 or decimals & thousands:
        return "has numbers with other signs than the log's"
    return None


def of_all(
    forms: Sequence[TableForm], reasons: Sequence[Mapping[str, str]]
) -> tuple[TableForm, dict[str, str]]:
    """Return the form in which all tables can be read, and its reasons.

    What one table shows nothing of is as in another that does; marks of missing values are those
    of all.

    Args:
        forms: of the tables, the log's first.
        reasons: of each.
    """
    plain, found = TableForm(), dict[str, Any]()
    why = dict[str, str]()
    for setting in Dialect.model_fields:
        odd = [place for place, form in enumerate(forms)
               if getattr(form, setting) != getattr(plain, setting)]  # fmt: skip
        if not odd or setting == "separator":
            continue
        found[setting] = getattr(forms[odd[0]], setting)
        if setting in ("missing", "numbers"):
            every = [one for place in odd for one in getattr(forms[place], setting)]
            found[setting] = tuple(dict.fromkeys(every))
        elif setting == "missing_in":
            found[setting] = {n: own for place in odd for n, own in forms[place].missing_in.items()}
        why[setting] = "; ".join(dict.fromkeys(reasons[place][setting] for place in odd))
    return replace(forms[0], **found), why
