"""Raw rows turned into raw columns: what each row says of a field, by our name of it.

A field may go by the owner's name or by ours; where a row has both, the owner's holds, for in the
log ours is another column then. A row may have any number of names that mean nothing: each costs
one look, and none becomes a column.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter

RawRow = Mapping[str, object]
RawColumns = dict[str, Sequence[object]]
"""Our name -> a value a row, or a single one that all rows share."""

UNSENT = object()
"""Stands in a column where a row does not have the field: null is what a row may well say."""


class Partly(list[object]):
    """A column of some rows' values, and of :data:`UNSENT` where a row has none."""


APART = frozenset({"request_id", "time"})
"""What every model is told, and what says nothing of an impression."""
_FEWEST = 2
"""Of a single name ``itemgetter`` makes no tuple."""
_MOST_FORMS = 64
"""So many forms of rows are remembered."""


@dataclass(frozen=True)
class Form:
    """Rows of a program all have the same names, each of which means something else.

    Attributes:
        ours: our name of each that means something.
        unknown: the others, as far as callers need to be told of them.
        take: what takes the values of all names out of a row, first those that mean something; it
            fails for a row that lacks one.
    """

    ours: tuple[str, ...]
    unknown: list[str]
    take: Callable[[Mapping[str, object]], tuple[object, ...]]


class Names:
    """The names that mean something.

    Args:
        known: every name that a field may be given by -> our name.
        meaningless: names that callers need not be told of.
        filled: the fields that are filled in where a row does not have them.
    """

    def __init__(
        self,
        known: Mapping[str, str],
        meaningless: Iterable[str | None],
        filled: Collection[str] = (),
    ) -> None:
        self.known = known
        self._meaningless = set(meaningless)
        self._filled = filled
        self._forms: dict[tuple[str, ...], Form] = {}

    def gather(
        self, rows: Sequence[RawRow], others: Mapping[str, object] | None = None
    ) -> tuple[RawColumns, list[str]]:
        """Return the columns of rows, a value a row, and the names that mean nothing.

        A column of a field that is filled in, and that some rows lack, is :class:`Partly`.

        Args:
            rows: dictionaries, by any names.
            others: our name -> what holds where a row does not have the field.
        """
        form = self._form(rows)
        if form is not None:
            try:
                return dict(zip(form.ours, zip(*map(form.take, rows)))), form.unknown  # noqa: B905
            except KeyError:
                pass
        every = dict.fromkeys(chain.from_iterable(rows))
        known = self.known
        given = [name for name in every if name in known]
        if len({known[name] for name in given}) == len(given):
            names = {known[name]: name for name in given}
        else:  # a field goes by two names: each row by itself says which of them holds
            rows = list(map(self.renamed, rows))
            names = {known[name]: known[name] for name in given}
        columns: RawColumns = {}
        for ours, name in names.items():
            other = others.get(ours, UNSENT) if others else UNSENT
            if other is UNSENT and ours not in self._filled:
                other = None
            columns[ours] = [row.get(name, other) for row in rows]
            # by identity: what is sent may be anything, and compare as it likes
            if other is UNSENT and id(UNSENT) in map(id, columns[ours]):
                columns[ours] = Partly(columns[ours])
        return columns, self._unknown(every)

    def renamed(self, row: RawRow) -> dict[str, object]:
        """Return what a row says of fields, by our names."""
        known, found = self.known, dict[str, object]()
        for name, value in row.items():
            ours = known.get(name)
            if ours is not None and (name != ours or ours not in found):
                found[ours] = value
        return found

    def unknown(self, rows: Iterable[RawRow]) -> list[str]:
        """Return the names in rows that mean nothing, and that their sender is to be told of."""
        return self._unknown(dict.fromkeys(chain.from_iterable(rows)))

    def mean_something(self, rows: Iterable[RawRow]) -> bool:
        """Say whether rows have any field that says something of an impression."""
        names = chain.from_iterable(rows)
        return any(name in self.known and self.known[name] not in APART for name in names)

    def _form(self, rows: Sequence[RawRow]) -> Form | None:
        """Return the form that rows seem to have: its ``take`` will tell."""
        if not rows or len(set(map(len, rows))) > 1:
            return None
        names = tuple(rows[0])
        return self._forms.get(names) or self._new_form(names)

    def _new_form(self, names: tuple[str, ...]) -> Form | None:
        """Remember a form, unless it has names that mean nothing: those are of any number."""
        given = [name for name in names if name in self.known]
        ours = tuple(self.known[name] for name in given)
        if len(names) < _FEWEST or len(set(ours)) < len(ours):
            return None
        rest = [name for name in names if name not in self.known]
        unknown = self._unknown(rest)
        form = Form(ours, unknown, itemgetter(*given, *rest))
        if not unknown and len(self._forms) < _MOST_FORMS:
            self._forms[names] = form
        return form

    def _unknown(self, names: Iterable[str]) -> list[str]:
        return [n for n in names if n not in self.known and n not in self._meaningless]
