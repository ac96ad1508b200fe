"""Recording events: a click finds its impression, and both enter the counters together.

An impression is known by its request and item. It is remembered, with the keys that it counts
for, until its attribution window ends; a click is counted at the impression's tick, if its own
moment lies within the window. A second impression or click of the same request and item changes
nothing, so a sender may send again what it is not sure of. A click that arrives first waits for its
impression. A page view is known by its moment and fields, and counts for histories of page views
alone. What a bundle's snapshot holds already is not counted again.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from clickthrough.config.serving import Serving
from clickthrough.errors import RequestError, StoreError
from clickthrough.features.history.base import Changes
from clickthrough.features.rows import RawRow
from clickthrough.store.base import Breathe, Reader, Store, Transaction, nothing
from clickthrough.streaming.events import EventReader
from clickthrough.streaming.key_sets import KeySets, Marks, Source
from clickthrough.streaming.receipt import Receipt
from clickthrough.streaming.steps import NOTHING, Event, New, Remembered, decode, encode, step

__all__ = ["Receipt", "Recorder", "Source"]

_log = logging.getLogger(__name__)
_TIDY_EVERY, _TIDY_SHARE = 10_000, 1.0
"""Events between two looks through the store: so many, or this share of its values."""
_SLICE = 256
"""So many events are taken in before others are let in."""
_Told = tuple[Event, Receipt]
"""An event, and the receipt that says what becomes of it."""


@dataclass
class _Counted:
    """What is new of impressions and views: when they were, what they count for, what to count."""

    times: list[int] = field(default_factory=list)
    marks: list[Marks] = field(default_factory=list)
    new: list[New] = field(default_factory=list)


class Recorder:
    """Writes events into a store, for all key sets of one or more bundles.

    Args:
        sources: the bundles; the first says which request and item an event is of.
        store: where their states are.
        settings: the attribution window, and what is forgotten.
    """

    def __init__(self, sources: Sequence[Source], store: Store, settings: Serving) -> None:
        self._key_sets = KeySets(sources)
        self._reader = EventReader(sources[0].parser, self._key_sets)
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
            StoreError: the store is out of order; no event is counted.
        """
        (receipt,) = self.record_each([raw])
        self.tidy()
        if isinstance(receipt, RequestError):
            raise receipt
        return receipt

    def record_each(
        self, bodies: Sequence[Sequence[RawRow]], breathe: Breathe = nothing
    ) -> list[Receipt | RequestError]:
        """Count the events of several callers at once, each as :meth:`record` does.

        Whoever calls this calls :meth:`tidy` now and then.

        Args:
            bodies: the events of each caller.
            breathe: called between slices of a few milliseconds of work, to let others in; never
                while anything is held that :meth:`clickthrough.store.base.Store.read` waits for,
                or that writers on other machines do.

        Returns:
            What became of each body's events, or what is wrong with it; such a body is not counted.

        Raises:
            StoreError: the store is out of order; no event is counted.
        """
        read: list[list[Event] | RequestError] = []
        for body in bodies:
            try:
                read.append(self._reader.read(body, breathe))
            except RequestError as error:
                read.append(error)
        times = [event.time for own in read if isinstance(own, list) for event in own]
        if not times:
            return [own if isinstance(own, RequestError) else Receipt() for own in read]
        latest = max(times)
        remote = self._store.remote
        expected = _keys_of(read) if remote else ()
        within = nothing if remote else breathe  # others on the network wait for the end of it

        def count(tx: Transaction) -> list[Receipt | RequestError]:
            receipts = [own if isinstance(own, RequestError) else Receipt() for own in read]
            told = [
                (event, receipt)
                for own, receipt in zip(read, receipts, strict=True)
                if isinstance(own, list) and isinstance(receipt, Receipt)
                for event in own
            ]
            tx.expect(expected)
            self._apply(tx, told, latest, within)
            return receipts

        answers = self._store.update(count)
        with self._lock:
            self._newest = max(self._newest, latest)
            self._untidied += len(times)
        return answers

    @property
    def is_due(self) -> bool:
        """Whether the store is to be tidied: a look at every value, paid for by as many events."""
        return self._untidied >= max(_TIDY_EVERY, _TIDY_SHARE * self._kept)

    def tidy(self, breathe: Breathe = nothing) -> None:
        """Tidy the store where it is due; takes as long as a look at every value."""
        with self._lock:
            if not self.is_due:
                return
            untidied, self._untidied = self._untidied, 0
        try:
            self._store.expire(self._newest, breathe)
            self._store.trim(self._most_keys, breathe)
            self._kept = self._store.count()
        except StoreError as error:  # the events are counted, whatever becomes of old ones
            _log.warning("the store could not be tidied: %s", error)
            with self._lock:
                self._untidied += untidied

    def go_on_from(self, before: "Recorder") -> None:
        """Take over from the recorder of another bundle what is known of the store's age."""
        with before._lock:
            self._newest, self._untidied = before._newest, before._untidied
            self._kept = before._kept

    def _apply(self, tx: Transaction, told: Sequence[_Told], latest: int, breathe: Breathe) -> None:
        counted = _Counted()
        for start in range(0, len(told), _SLICE):
            made = self._take_in(tx, told[start : start + _SLICE], counted)
            packed = {identity: encode(value) for identity, value in made.items()}
            tx.write(packed, expires=latest + self._window, changed=latest)
            breathe()
        if counted.new:
            self._count(tx, counted, latest + self._forget_after, breathe)

    def _take_in(
        self, tx: Reader, told: Sequence[_Told], counted: _Counted
    ) -> dict[bytes, Remembered]:
        """Take in a few events; return what is newly remembered."""
        identities = list(dict.fromkeys(event.identity for event, _ in told))
        known = {
            identity: decode(identity, value)
            for identity, value in zip(identities, tx.read(identities), strict=True)
            if value is not None
        }
        made: dict[bytes, Remembered] = {}
        for event, receipt in told:
            after, new = step(known.get(event.identity), event, receipt, self._window)
            if after is None:
                continue
            if new != NOTHING:
                click = event.kind == "click"
                counted.times.append(after.time or 0)
                counted.marks.append(self._key_sets.aligned(after.marks) if click else event.marks)
                counted.new.append(new)
            if after.clicked:
                after.marks = ()  # nothing of it will count any more
            known[event.identity] = made[event.identity] = after
        return made

    def _count(self, tx: Transaction, counted: _Counted, expires: int, breathe: Breathe) -> None:
        """Bring what is new of impressions into every history."""
        changes = Changes(np.array(counted.times, np.int64), np.array(counted.new, np.float64))
        by_history = zip(*counted.marks, strict=True)
        for history, marks in zip(self._key_sets.histories, by_history, strict=True):
            some = [mark for mark in marks if mark is not None]
            if len(some) == len(marks):
                history.add(tx, some, changes, expires, breathe)
            elif some:
                present = np.array([mark is not None for mark in marks])
                history.add(tx, some, changes[present], expires, breathe)
            breathe()


def _keys_of(read: Sequence[list[Event] | RequestError]) -> list[bytes]:
    """Return what counting events will read, as far as that is known before."""
    events = [event for own in read if isinstance(own, list) for event in own]
    marks = chain.from_iterable(event.marks for event in events)
    keys = [mark if isinstance(mark, bytes) else mark[0] for mark in marks if mark is not None]
    return list(dict.fromkeys([*(event.identity for event in events), *keys]))
