"""Which moments an impression can have: no log is asked of the far past, and nobody of tomorrow."""

from datetime import UTC, datetime, timedelta

from clickthrough.features.shown import shown
from clickthrough.schema import Schema, parse_time

AHEAD = 3_600_000_000
"""Microseconds that a moment may lie after now: clocks differ, but not by more."""
_EVER = -(2**62)
UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
"""How the units in which times are counted are called."""

Range = tuple[int, int]
"""The first and the last moment, in microseconds since 1970 UTC."""


def possible(schema: Schema, now: int) -> Range:
    """Return which moments can be.

    From the log's start, less its own length, to an hour after now: between the log's end and now
    any moment is ordinary.

    Args:
        schema: of the log.
        now: microseconds since 1970 UTC.
    """
    if schema.first is None or schema.last is None:
        return _EVER, now + AHEAD
    return 2 * schema.first - schema.last, now + AHEAD


def why_not(value: object, moment: int, schema: Schema, within: Range) -> str:
    """Say why a moment cannot be, and in which unit it could.

    Args:
        value: as it was sent.
        moment: what it was read as.
        schema: of the log.
        within: what can be.
    """
    low, high = within
    bound = f"after now ({written(high - AHEAD)})" if moment > high else (
        f"long before the log ({written(low)})"
    )  # fmt: skip
    hint = _hint(value, schema, within)
    return f"{shown(value)} would be {written(moment)}, {bound}{hint}"


def written(micros: int) -> str:
    """Return a moment as text, or its year where no calendar has it.

    >>> written(0)
    '1970-01-01T00:00:00Z'
    >>> written(10**18)
    'the year 33658'
    """
    try:
        made = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    except OverflowError:
        return f"the year {1970 + int(micros / 31_556_952e6)}"
    return made.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _hint(value: object, schema: Schema, within: Range) -> str:
    """Say which unit would put a number where it can be."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    counted = "s" if schema.time.unit == "iso" else schema.time.unit
    for unit, name in UNITS.items():
        form = schema.time.model_copy(update={"unit": unit, "format": None})
        if unit != counted and within[0] <= parse_time(value, form) <= within[1]:
            return f"; {name}? numbers count {UNITS[counted]} here"
    return ""
