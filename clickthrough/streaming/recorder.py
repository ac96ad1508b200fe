"""Recording events: a click finds its impression, and both enter the counters together.

An impression is known by its request and item. It is remembered, with the keys that it counts
for, until its attribution window ends; a click is counted at the impression's tick. A second
impression or click of the same request and item changes nothing, so a sender may send again
what it is not sure of. A click that arrives first waits for its impression. A page view is known by
its moment and fields, and counts for histories of page views alone.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import repeat
from typing import Literal, get_args

import msgspec
import numpy as np

from clickthrough.config.serving import Serving
from clickthrough.errors import RequestError
from clickthrough.features.history.base import Changes, History, Mark
from clickthrough.features.rows import RawRow, RowParser, Value
from clickthrough.features.shown import shown
from clickthrough.store.base import Store, Transaction

_AHEAD = 3_600_000_000
"""Microseconds that an event may lie in the future: clocks differ, but not by more."""
_TIDY_EVERY, _TIDY_SHARE = 10_000, 1.0
"""Events between two looks through the store: so many, or this share of its values."""


EventKind = Literal["impression", "click", "view"]
_KINDS = get_args(EventKind)


class Remembered(msgspec.Struct, array_like=True):
    """What the store knows of an impression: its time (None before it is shown) and marks."""

    clicked: bool
    time: int | None = None
    marks: list[Mark] = []


@dataclass
class Receipt:
    """What became of a batch of events.

    Attributes:
        impressions: newly counted.
        clicks: newly counted.
        views: newly counted.
        duplicates: events that were known already.
        waiting: clicks that came before their impression; they count when it comes.
    """

    impressions: int = 0
    clicks: int = 0
    views: int = 0
    duplicates: int = 0
    waiting: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


@dataclass(frozen=True)
class Event:
    """An event after checking; ``marks`` are those of an impression or view, one a history."""

    kind: EventKind
    identity: bytes
    time: int
    marks: tuple[Mark, ...] = ()


class Recorder:
    """Writes events into a store.

    Args:
        parser: reads the fields of impressions.
        histories: what events change.
        store: where their states are.
        settings: the attribution window.
    """

    def __init__(
        self,
        parser: RowParser,
        histories: Sequence[History],
        store: Store,
        settings: Serving,
    ) -> None:
        self._parser = parser
        self._histories = histories
        self._store = store
        self._window = settings.attribution_window * 1_000_000
        self._forget_after = settings.forget_after * 1_000_000
        self._most_keys = settings.most_keys
        self._lock = threading.Lock()
        self._newest, self._untidied, self._kept = 0, 0, 0

    def record(self, raw: Sequence[RawRow]) -> Receipt:
        """Count events: all of them, or none if one is malformed.

        Args:
            raw: ``{"type": "impression", raw fields ...}``, ``{"type": "click",
                "request_id": ..., "item": ...}`` or ``{"type": "view", raw fields ...}``.

        Raises:
            RequestError: an event is malformed: names its row and field.
        """
        events = self._check(raw)
        receipt = Receipt()
        if events:
            with self._store.transaction() as tx:
                self._apply(tx, events, receipt)
            self._forget_old(events)
        return receipt

    def go_on_from(self, before: "Recorder") -> None:
        """Take over from the recorder of another bundle what is known of the store's age."""
        with before._lock:
            self._newest, self._untidied = before._newest, before._untidied
            self._kept = before._kept

    def _check(self, raw: Sequence[RawRow]) -> list[Event]:
        now = time.time_ns() // 1_000
        rows = self._parser.rename(raw)
        kinds = [_kind(given, place) for place, given in enumerate(raw)]
        marks = self._marks(rows, kinds)
        events = []
        for place, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
            moment = self._parser.time(row, place, now)
            if moment > now + _AHEAD:
                raise RequestError(f"row {place}: field 'time': lies in the future")
            own = () if kind == "click" else next(marks)
            if kind == "view":
                identity = self._view_identity(row, moment, place)
            else:
                identity = self._identity(row, place)
            events.append(Event(kind, identity, moment, own))
        return events

    def _marks(
        self, rows: Sequence[Mapping[str, object]], kinds: Sequence[EventKind]
    ) -> Iterator[tuple[Mark, ...]]:
        """Yield what each impression or view counts for, a mark a history."""
        shown = [(place, row) for place, row in enumerate(rows) if kinds[place] != "click"]
        source = ["views" if kinds[place] == "view" else "impressions" for place, _ in shown]
        places = [place for place, _ in shown]
        values = {
            name: self._parser.read(name, [row.get(name) for _, row in shown], places)
            for name in self._parser.fields
        }
        if not self._histories:
            return repeat(())
        marked = (
            [mark if history.of == of else None for mark, of in zip(marks, source, strict=True)]
            for history, marks in ((h, h.marks(values)) for h in self._histories)
        )
        return zip(*marked, strict=True)

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
        return msgspec.msgpack.encode(["\0impression", request, item])

    def _view_identity(self, row: Mapping[str, object], moment: int, place: int) -> bytes:
        fields = self._parser.schema.views
        values = [self._parser.coerce(row.get(name), name, place) for name in fields]
        return msgspec.msgpack.encode(["\0view", moment, *values])

    def _apply(self, tx: Transaction, events: list[Event], receipt: Receipt) -> None:
        identities = list(dict.fromkeys(event.identity for event in events))
        known = {
            identity: msgspec.msgpack.decode(value, type=Remembered)
            for identity, value in zip(identities, tx.read(identities), strict=True)
            if value is not None
        }
        changed: list[tuple[Remembered, tuple[int, int]]] = []
        for event in events:
            now_known, new = _STEPS[event.kind](known.get(event.identity), event, receipt)
            known[event.identity] = now_known
            if new != (0, 0):
                changed.append((now_known, new))
        latest = max(event.time for event in events)
        tx.write(
            {identity: msgspec.msgpack.encode(value) for identity, value in known.items()},
            expires=latest + self._window,
            changed=latest,
        )
        self._count(tx, changed, latest + self._forget_after)

    def _count(
        self, tx: Transaction, changed: list[tuple[Remembered, tuple[int, int]]], expires: int
    ) -> None:
        """Bring what is new of impressions into every history."""
        if not changed:
            return
        changes = Changes(
            time=np.array([shown.time for shown, _ in changed], np.int64),
            counts=np.array([new for _, new in changed], np.float64),
        )
        by_history = zip(*(shown.marks for shown, _ in changed), strict=True)
        for history, marks in zip(self._histories, by_history, strict=True):
            present = np.array([mark is not None for mark in marks])
            if present.all():
                history.add(tx, marks, changes, expires)
            elif present.any():
                some = [mark for mark in marks if mark is not None]
                history.add(tx, some, changes[present], expires)

    def _forget_old(self, events: list[Event]) -> None:
        """Tidy the store now and then: a look at every value, paid for by as many events."""
        with self._lock:
            self._newest = max(self._newest, *(event.time for event in events))
            self._untidied += len(events)
            due = self._untidied >= max(_TIDY_EVERY, _TIDY_SHARE * self._kept)
            if due:
                self._untidied = 0
        if due:
            self._store.expire(self._newest)
            self._store.trim(self._most_keys)
            self._kept = self._store.count()


def _kind(given: RawRow, place: int) -> EventKind:
    kind = given.get("type")
    if kind not in _KINDS:
        expected = "'impression', 'click' or 'view'"
        raise RequestError(f"row {place}: field 'type': expected {expected}, found {shown(kind)}")
    return kind  # type: ignore[return-value]


def _impression(
    known: Remembered | None, event: Event, receipt: Receipt
) -> tuple[Remembered, tuple[int, int]]:
    """Return what is now known of an impression, and the impressions and clicks to count."""
    if known is not None and known.time is not None:
        receipt.duplicates += 1
        return known, (0, 0)
    receipt.impressions += 1
    waited = known is not None and known.clicked
    if waited:
        receipt.clicks += 1
    return Remembered(waited, event.time, list(event.marks)), (1, int(waited))


def _click(
    known: Remembered | None, event: Event, receipt: Receipt
) -> tuple[Remembered, tuple[int, int]]:
    """Return what is now known of a clicked impression, and what to count."""
    if known is None:
        receipt.waiting += 1
        return Remembered(True), (0, 0)
    if known.clicked:
        receipt.duplicates += 1
        return known, (0, 0)
    receipt.clicks += 1
    return Remembered(True, known.time, known.marks), (0, 1)


def _view(
    known: Remembered | None, event: Event, receipt: Receipt
) -> tuple[Remembered, tuple[int, int]]:
    """Return what is now known of a page view, and what to count: as shown and clicked."""
    if known is not None:
        receipt.duplicates += 1
        return known, (0, 0)
    receipt.views += 1
    return Remembered(True, event.time, list(event.marks)), (1, 1)


_STEPS = {"impression": _impression, "click": _click, "view": _view}
