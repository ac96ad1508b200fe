"""Raw rows turned into raw columns: what each row says of a field, by our name of it.

A field may go by the owner's name or by ours; where a row has both, the later one holds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter

RawRow = Mapping[str, object]
RawColumns = dict[str, Sequence[object]]
"""Our name -> a value a row, or a single one that all rows share."""


_FEWEST = 2
"""Of a single name ``itemgetter`` makes no tuple."""
_MOST_FORMS = 64
"""So many forms of rows are remembered."""


@dataclass(frozen=True)
class Form:
    """Rows of a program all have the same names, each of which means something else.

    Attributes:
        ours: our name of each.
        take: what takes their values out of a row.
    """

    names: int
    ours: tuple[str, ...]
    take: Callable[[RawRow], tuple[object, ...]]


class Names:
    """The names that mean something.

    Args:
        known: every name that a field may be given by -> our name.
        meaningless: names that callers need not be told of.
    """

    def __init__(self, known: Mapping[str, str], meaningless: Iterable[str | None]) -> None:
        self.known = known
        self._meaningless = set(meaningless)
        self._forms: dict[tuple[str, ...], Form] = {}

    def gather(self, rows: Sequence[RawRow]) -> tuple[RawColumns, list[str]]:
        """Return the columns of rows, a value a row, and the names that mean nothing."""
        form = self._form(rows)
        if form is not None:
            try:
                return dict(zip(form.ours, zip(*map(form.take, rows)))), []  # noqa: B905
            except KeyError:
                pass
        columns, names = _by_name(rows)
        return self._renamed(rows, columns, self._given(names)), self._ignored(names)

    def _form(self, rows: Sequence[RawRow]) -> Form | None:
        """Return the form that rows seem to have."""
        names = tuple(rows[0]) if rows else ()
        form = self._forms.get(names) or self._new_form(names)
        return form if form and set(map(len, rows)) == {form.names} else None

    def _new_form(self, names: tuple[str, ...]) -> Form | None:
        """Remember a form, unless it has names that mean nothing: those are of any number."""
        given = [name for name in names if name in self.known]
        ours = tuple(self.known[name] for name in given)
        many = len(self._forms) >= _MOST_FORMS or bool(self._ignored(names))
        if many or len(ours) < _FEWEST or len(set(ours)) < len(ours):
            return None
        form = self._forms[names] = Form(len(names), ours, itemgetter(*given))
        return form

    def ignored(self, rows: Iterable[RawRow]) -> list[str]:
        """Return the names in rows that mean nothing, and that their sender is to be told of."""
        return self._ignored(chain.from_iterable(rows))

    def gather_request(
        self, context: RawRow, candidates: Sequence[RawRow]
    ) -> tuple[RawColumns, list[str]]:
        """Return the columns of candidates that share a context, which they may overrule."""
        shared, ignored = self.gather([context])
        own, also_ignored = self.gather(candidates)
        columns = shared | own
        for ours in own.keys() & shared.keys():
            names_of = [name for name, known in self.known.items() if known == ours]
            before = {name: value for name, value in context.items() if name in names_of}
            columns[ours] = _last([{**before, **row} for row in candidates], names_of)
        return columns, list(dict.fromkeys([*ignored, *also_ignored]))

    def _renamed(
        self, rows: Sequence[RawRow], columns: RawColumns, given: Mapping[str, list[str]]
    ) -> RawColumns:
        return {
            ours: columns[names[0]] if len(names) == 1 else _last(rows, names)
            for ours, names in given.items()
        }

    def _ignored(self, names: Iterable[str]) -> list[str]:
        unknown = [n for n in names if n not in self.known and n not in self._meaningless]
        # half a surrogate pair could not be sent back
        texts = (str(name).encode(errors="replace").decode() for name in unknown)
        return list(dict.fromkeys(texts))

    def _given(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Return our fields among some names, with the names they are given by."""
        made: dict[str, list[str]] = {}
        for name in names:
            ours = self.known.get(name)
            if ours is not None:
                made.setdefault(ours, []).append(name)
        return made


def _by_name(rows: Sequence[RawRow]) -> tuple[RawColumns, Iterable[str]]:
    """Return what each row has by each name, and the names in order."""
    names = tuple(rows[0]) if rows else ()
    if len(names) > 1 and set(map(len, rows)) == {len(names)}:
        try:  # rows of a program have all the same names
            return dict(zip(names, zip(*map(itemgetter(*names), rows)))), names  # noqa: B905
        except KeyError:
            pass
    every = dict.fromkeys(chain.from_iterable(rows))
    return {name: [row.get(name) for row in rows] for name in every}, every


def _last(rows: Iterable[RawRow], given: Sequence[str]) -> list[object]:
    """Return what the last of some names says in each row, None where none is there."""
    found = ([value for name, value in row.items() if name in given] for row in rows)
    return [values[-1] if values else None for values in found]
