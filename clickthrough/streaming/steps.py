"""What each event changes of what the store remembers of its impression or view."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from clickthrough.errors import StoreError
from clickthrough.features.history.base import Mark
from clickthrough.streaming.receipt import Receipt

EventKind = Literal["impression", "click", "view"]
New = tuple[int, int]
"""Impressions and clicks to count."""

NOTHING: New = (0, 0)
_MOST_WAITING = 16
"""So many clicks of one impression wait, by their moments; what is sent beyond is known enough."""


class Event(msgspec.Struct, frozen=True):
    """An event after checking.

    Attributes:
        identity: of its impression or view, as the store knows it.
        marks: of an impression or view, one a history; None where it does not count for it.
        in_snapshot: whether it is older than all that it could count for.
        timed: whether it names its moment; else ``time`` is when it came.
    """

    kind: EventKind
    identity: bytes
    time: int
    marks: Sequence[Mark] = ()
    in_snapshot: bool = False
    timed: bool = True


class Remembered(msgspec.Struct, array_like=True):
    """What the store knows of an impression or a view.

    Attributes:
        time: None before it is shown.
        clicked: whether its click was counted.
        in_snapshot: whether the snapshot holds it, and so its click.
        marks: what its click will count for, in any order.
        waiting: the moments of clicks that came before it.
        untimed: when the first of those came that named no moment; None where there is none.
    """

    time: int | None = None
    clicked: bool = False
    in_snapshot: bool = False
    marks: Sequence[bytes | tuple[bytes, int | str] | None] = ()
    waiting: list[int] = []
    untimed: int | None = None


encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Remembered)


def decode(identity: bytes, value: bytes) -> Remembered:
    """Read what a store remembers.

    Raises:
        StoreError: it is something else.
    """
    try:
        return _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(
            f"what the store remembers of {identity!r:.80} is no impression: {error}; move the "
            "store's file away"
        ) from None


def step(
    known: Remembered | None, event: Event, receipt: Receipt, window: int
) -> tuple[Remembered | None, New]:
    """Take in an event.

    Args:
        known: what was remembered.
        event: what happened.
        receipt: is told what becomes of it.
        window: microseconds after an impression in which its click counts.

    Returns:
        What is now remembered, None where that is as before; and what to count.
    """
    if event.kind == "click":
        return _click(known, event, receipt, window)
    if known is not None and known.time is not None:
        receipt.duplicates += 1
        return None, NOTHING
    if event.kind == "view":
        return _view(event, receipt)
    return _impression(known, event, receipt, window)


def _impression(
    known: Remembered | None, event: Event, receipt: Receipt, window: int
) -> tuple[Remembered, New]:
    if event.in_snapshot:
        shown = Remembered(event.time, in_snapshot=True)
        receipt.in_snapshot += 1
    else:
        shown = Remembered(event.time, marks=event.marks)
        receipt.impressions += 1
    waiting = sorted(known.waiting) if known is not None else []
    if known is not None and known.untimed is not None:
        waiting.append(max(known.untimed, event.time))  # nobody clicks before it is shown
    clicks = sum(_judged(shown, moment, receipt, window) for moment in waiting)
    return shown, (int(not event.in_snapshot), clicks)


def _click(
    known: Remembered | None, event: Event, receipt: Receipt, window: int
) -> tuple[Remembered | None, New]:
    if known is not None and known.time is not None:
        moment = event.time if event.timed else max(event.time, known.time)
        clicks = _judged(known, moment, receipt, window)
        return known if clicks else None, (0, clicks)
    if event.in_snapshot:
        receipt.in_snapshot += 1
        return None, NOTHING
    known = known if known is not None else Remembered()
    if event.timed:
        if event.time in known.waiting or len(known.waiting) >= _MOST_WAITING:
            receipt.duplicates += 1
            return None, NOTHING
        after = Remembered(waiting=[*known.waiting, event.time], untimed=known.untimed)
    else:
        if known.untimed is not None:
            receipt.duplicates += 1
            return None, NOTHING
        after = Remembered(waiting=known.waiting, untimed=event.time)
    receipt.waiting += 1
    return after, NOTHING


def _judged(shown: Remembered, moment: int, receipt: Receipt, window: int) -> int:
    """Say how many clicks a click of that moment adds to an impression that was shown."""
    since = moment - (shown.time or 0)
    if since < 0:
        receipt.early += 1
    elif since > window:
        receipt.late += 1
    elif shown.in_snapshot:
        receipt.in_snapshot += 1
    elif shown.clicked:
        receipt.duplicates += 1
    else:
        receipt.clicks += 1
        shown.clicked = True
        return 1
    return 0


def _view(event: Event, receipt: Receipt) -> tuple[Remembered, New]:
    """A page view counts as shown and clicked, once."""
    if event.in_snapshot:
        receipt.in_snapshot += 1
        return Remembered(event.time, in_snapshot=True), NOTHING
    receipt.views += 1
    return Remembered(event.time, clicked=True), (1, 1)
