"""Raw events, checked and turned into events that can be counted."""

import time
from collections.abc import Mapping, Sequence
from typing import get_args

import msgspec

from clickthrough.errors import RequestError
from clickthrough.features.rows import RawRow, RowParser, Value
from clickthrough.features.shown import shown
from clickthrough.features.values import is_missing
from clickthrough.store.base import Breathe
from clickthrough.streaming.key_sets import KeySets, Marks, Shown
from clickthrough.streaming.steps import Event, EventKind

_SLICE = 64
"""So many rows are checked before others are let in."""
_KINDS = get_args(EventKind)
_encode = msgspec.msgpack.Encoder().encode


class EventReader:
    """Checks raw events.

    Args:
        parser: says which request and item an event is of, and when it was.
        key_sets: what impressions and views count for.
    """

    def __init__(self, parser: RowParser, key_sets: KeySets) -> None:
        self._parser = parser
        self._key_sets = key_sets

    def read(self, raw: Sequence[RawRow], breathe: Breathe) -> list[Event]:
        """Check the events of one body.

        Raises:
            RequestError: an event is malformed: names its row and field.
        """
        now = time.time_ns() // 1_000
        events: list[Event] = []
        for start in range(0, len(raw), _SLICE):
            events += self._read(raw, start, now)
            breathe()
        return events

    def _read(self, raw: Sequence[RawRow], start: int, now: int) -> list[Event]:
        part = raw[start : start + _SLICE]
        try:
            rows: list[RawRow] = [*self._parser.rename(part)]
        except RequestError:
            self._parser.rename(raw)  # names the row by its place in the whole body
            raise
        kinds = [_kind(given, place) for place, given in enumerate(part, start)]
        times = [
            self._parser.possible_time(row, place, now) for place, row in enumerate(rows, start)
        ]
        shown = [place for place, kind in enumerate(kinds) if kind != "click"]
        known = self._parser.complete([rows[place] for place in shown])
        for place, row in zip(shown, known, strict=True):
            rows[place] = row
        about = Shown(
            raw=[part[place] for place in shown],
            places=[start + place for place in shown],
            of=["views" if kinds[place] == "view" else "impressions" for place in shown],
            times=[times[place] for place in shown],
        )
        marks = self._key_sets.marks(about, known)
        until, events = self._key_sets.until, []
        for place, (row, kind, moment) in enumerate(zip(rows, kinds, times, strict=True), start):
            own: Marks = () if kind == "click" else next(marks)
            if kind == "view":
                identity = self._view_identity(row, moment, place)
                held = moment < until["views"]
            else:
                identity = self._identity(row, place)
                held = moment < until["impressions"]
            timed = not is_missing(row.get("time"))
            events.append(Event(kind, identity, moment, own, held, timed))
        return events

    def _identity(self, row: Mapping[str, object], place: int) -> bytes:
        request = self._parser.request_id(row, place)
        if request is None:
            name = self._parser.schema.input_name("request_id")
            raise RequestError(f"row {place}: field '{name}': an event needs the id of its request")
        item: Value = None
        if "item" in self._parser.schema.fields:
            item = self._parser.coerce(row.get("item"), "item", place)
            if item is None:
                name = self._parser.schema.input_name("item")
                raise RequestError(f"row {place}: field '{name}': an event needs its item")
        return _encode(["\0impression", request, item])

    def _view_identity(self, row: Mapping[str, object], moment: int, place: int) -> bytes:
        fields = self._parser.schema.views
        values = [self._parser.coerce(row.get(name), name, place) for name in fields]
        return _encode(["\0view", moment, *values])


def _kind(given: RawRow, place: int) -> EventKind:
    kind = given.get("type")
    if kind not in _KINDS:
        expected = "'impression', 'click' or 'view'"
        raise RequestError(f"row {place}: field 'type': expected {expected}, found {shown(kind)}")
    return kind  # type: ignore[return-value]
