"""The key sets of one or more bundles, each of them once, and what events count for in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

from clickthrough.config.features import EventSource
from clickthrough.features.history.base import History, Mark, digest_of_mark
from clickthrough.features.history.keys import coded_fields
from clickthrough.features.rows import RawRow, RowParser

BEFORE_ALL = -(2**63)
"""Until when a snapshot that holds no events holds them."""
Marks = Sequence[Mark]
"""What an impression or view counts for: one a key set, None where it does not."""


@dataclass(frozen=True)
class Source:
    """What one bundle makes of events.

    Attributes:
        parser: reads their fields.
        histories: what they count for.
        until: events before this moment (microseconds) are in its snapshots.
    """

    parser: RowParser
    histories: Sequence[History]
    until: int = BEFORE_ALL


@dataclass(frozen=True)
class Shown:
    """Impressions and views.

    Attributes:
        raw: as they were sent.
        places: of each in its body.
        of: what each is an event of.
        times: of each, microseconds.
    """

    raw: Sequence[RawRow]
    places: Sequence[int]
    of: Sequence[EventSource]
    times: Sequence[int]


@dataclass(frozen=True)
class _Reading:
    """The key sets that one parser reads the fields of, with their places."""

    parser: RowParser
    fields: Sequence[str]
    histories: Sequence[tuple[int, History]]

    @cached_property
    def of_keys(self) -> list[str]:
        """The fields that are parts of keys."""
        return [*dict.fromkeys(field for _, h in self.histories for field in h.form.fields)]


class KeySets:
    """The union of the key sets of several bundles: by digest, so equal ones count once.

    Args:
        sources: the bundles. Of a key set that several declare, the one whose snapshot is the
            newest is used; its fields are read as the first of them does.

    Attributes:
        histories: the key sets.
        until: of each source of events, the moment before which all its key sets hold them.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        newest: dict[bytes, tuple[int, History]] = {}
        first: dict[bytes, int] = {}
        for number, source in enumerate(sources):
            for history in source.histories:
                first.setdefault(history.digest, number)
                known = newest.get(history.digest)
                if known is None or source.until > known[0]:
                    newest[history.digest] = (source.until, history)
        self.histories = [history for _, history in newest.values()]
        self._untils = [until for until, _ in newest.values()]
        self._places = {digest: place for place, digest in enumerate(newest)}
        self._newest = max(self._untils, default=BEFORE_ALL)
        self.until = {of: self._oldest(of, sources) for of in ("impressions", "views")}
        self._readings = [
            reading
            for number, source in enumerate(sources)
            if (reading := self._reading(source, number, first)).histories or number == 0
        ]

    def marks(self, shown: Shown, renamed: Sequence[Mapping[str, object]]) -> Iterator[Marks]:
        """Return what each impression or view counts for.

        Args:
            shown: the impressions and views.
            renamed: them by the names of the first source's parser, completed by it.

        Raises:
            RequestError: a field has the wrong type.
        """
        columns: list[Sequence[Mark]] = [()] * len(self.histories)
        alike = set(shown.of)
        for number, reading in enumerate(self._readings):
            parser = reading.parser
            rows = renamed if number == 0 else parser.complete(parser.rename(shown.raw))
            values = parser.columns(rows, reading.fields, shown.places)
            of = coded_fields(values, reading.of_keys)
            for place, history in reading.histories:
                marks = history.marks(values, of)
                if alike != {history.of}:
                    pairs = zip(marks, shown.of, strict=True)
                    marks = [mark if of == history.of else None for mark, of in pairs]
                columns[place] = marks
        marked: Iterator[Marks] = zip(*columns, strict=True) if columns else repeat(())
        if any(time < self._newest for time in shown.times):
            return map(self._after_snapshots, marked, shown.times)
        return marked

    def aligned(self, marks: Marks) -> Marks:
        """Return remembered marks in the order of the histories, less those that none reads."""
        row: list[Mark] = [None] * len(self.histories)
        for mark in marks:
            place = None if mark is None else self._places.get(digest_of_mark(mark))
            if place is not None:
                row[place] = mark
        return row

    def _after_snapshots(self, marks: Marks, time: int) -> Marks:
        """Leave out the marks of key sets whose snapshot holds the event."""
        pairs = zip(marks, self._untils, strict=True)
        return [None if time < until else mark for mark, until in pairs]

    def _oldest(self, of: str, sources: Sequence[Source]) -> int:
        pairs = zip(self.histories, self._untils, strict=True)
        own = [until for history, until in pairs if history.of == of]
        return min(own or [source.until for source in sources])

    def _reading(self, source: Source, number: int, first: Mapping[bytes, int]) -> _Reading:
        """Return what a source reads for the key sets that no source before it declares."""
        own = {
            self._places[history.digest]: history
            for history in source.histories
            if first[history.digest] == number
        }
        needed = [name for history in own.values() for name in history.fields]
        needed += source.parser.keys
        # of the first all fields are checked, as they are when it scores
        fields = source.parser.fields if number == 0 else list(dict.fromkeys(needed))
        return _Reading(source.parser, fields, list(own.items()))
