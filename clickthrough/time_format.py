"""Times written as texts: ISO 8601, or a format of the log's own such as ``%y%m%d%H``.

A form becomes one regular expression that the batch side and the online side both match, so a
time means the same on either. Directives are those of ``strftime`` (C99) that mean the same
everywhere; names of months are English.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
"""The first letters of months, by which any of their names is known."""
_FULL = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
         "October", "November", "December")  # fmt: skip
_OFFSET = "(?i:Z|UTC|GMT)|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?"
_FRACTION = "[0-9]{1,9}"
_DIRECTIVES = {
    "Y": "[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000",  # there is no year 0
    "y": "[0-9]{2}",
    "m": "0[1-9]|1[0-2]",
    "d": "0[1-9]|[12][0-9]|3[01]",
    "H": "[01][0-9]|2[0-3]",
    "I": "0[1-9]|1[0-2]",
    "M": "[0-5][0-9]",
    "S": "[0-5][0-9]",
    "f": _FRACTION,
    "p": "(?i:[AP]M)",
    "b": f"(?i:{'|'.join(MONTHS)})",
    "B": f"(?i:{'|'.join(_FULL)})",
    "z": _OFFSET,
}
_TWO_DIGITS = "mdHIMS"
"""Directives of two digits, of which the first may be left out where other signs stand around."""
_ALL_DIGITS = "YymdHIMS"

_BLANK = "[ \\t]"
"""Not every program means the same signs by ``\\s``."""
ISO_PATTERN = (
    rf"{_BLANK}*(?P<Y>{_DIRECTIVES['Y']})-(?P<m>{_DIRECTIVES['m']})-(?P<d>{_DIRECTIVES['d']})"
    rf"(?:[T ](?P<H>{_DIRECTIVES['H']}):(?P<M>[0-5][0-9])"
    rf"(?::(?P<S>[0-5][0-9])(?:[.,](?P<f>{_FRACTION}))?)? ?(?P<z>{_OFFSET})?)?{_BLANK}*"
)
"""ISO 8601 as logs have it: a date, and perhaps a time of day and an offset; no bare digits."""

PIVOT = 69
"""The first two-digit year of the 1900s, as in POSIX: 68 is 2068, 69 is 1969."""

_REQUIRED = (("year", "Yy"), ("month", "mbB"), ("day", "d"))


@lru_cache(maxsize=64)
def time_pattern(form: str) -> str:
    """Return the regular expression of a format, a group a directive.

    One digit may stand for two (``6/14/2016``) where another sign follows and precedes it.

    Raises:
        ValueError: an unknown or repeated directive, or no year, month and day.

    >>> time_pattern("%y%m")
    Traceback (most recent call last):
        ...
    ValueError: '%y%m' names no day: expected a year (%Y or %y), a month (%m, %b or %B) and %d
    """
    parts = _parts(form)
    _check(form, [part[1:] for part in parts if part.startswith("%")])
    pattern = ""
    for place, part in enumerate(parts):
        beside = [*parts[max(place - 1, 0) : place], *parts[place + 1 : place + 2]]
        alone = not any(other.startswith("%") for other in beside)
        pattern += _group(part[1:], alone) if part.startswith("%") else _literal(part)
    return pattern


def fixed_width(form: str) -> int:
    """Return how many digits a format has that is nothing but directives of digits, else 0.

    A number has lost its leading zeros and gets them back by this width.
    """
    parts = _parts(form)
    if not all(part.startswith("%") and part[1:] in _ALL_DIGITS for part in parts):
        return 0
    return sum(4 if part == "%Y" else 2 for part in parts)


def parse_formatted(value: str | float, form: str, zone: str = "UTC") -> datetime | None:
    """Read a time; None where it does not have the format.

    Args:
        value: a text, or a number that stands for its digits.
        form: the format.
        zone: of texts that name no offset.

    Raises:
        ValueError: it has the format but is no day of the calendar.

    >>> parse_formatted(14102107, "%y%m%d%H")
    datetime.datetime(2014, 10, 21, 7, 0, tzinfo=datetime.timezone.utc)
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    match = re.fullmatch(time_pattern(form), str(value).zfill(fixed_width(form)))
    return None if match is None else _moment(match.groupdict(), zone)


def parse_iso(text: str, zone: str = "UTC") -> datetime | None:
    """Read a time in ISO 8601; None where it is none.

    Raises:
        ValueError: it is no day of the calendar.

    >>> parse_iso("2016-06-14 20:00", "Asia/Shanghai")
    datetime.datetime(2016, 6, 14, 12, 0, tzinfo=datetime.timezone.utc)
    >>> parse_iso("20160614")
    """
    match = re.fullmatch(ISO_PATTERN, text)
    return None if match is None else _moment(match.groupdict(), zone)


def _moment(parts: Mapping[str, str | None], zone: str) -> datetime:
    """Return the moment of the parts of a text, in UTC."""
    year = int(parts.get("Y") or _century(int(parts["y"] or 0)) + int(parts["y"] or 0))
    named = parts.get("b") or parts.get("B")
    month = MONTHS.index(named[:3].lower()) + 1 if named else int(parts["m"] or 0)
    hour, minute, second = (int(parts.get(name) or 0) for name in "HMS")
    if half := parts.get("p"):
        hour = int(parts["I"] or 0) % 12 + 12 * (half.lower() == "pm")
    fraction = int((parts.get("f") or "0")[:6].ljust(6, "0"))
    local = datetime(year, month, int(parts["d"] or 0), hour, minute, second, fraction)
    if offset := parts.get("z"):
        return (local - timedelta(minutes=offset_minutes(offset))).replace(tzinfo=UTC)
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def offset_minutes(offset: str) -> int:
    """Return the minutes of an offset.

    >>> offset_minutes("Z"), offset_minutes("+05:30"), offset_minutes("-0800")
    (0, 330, -480)
    """
    digits = re.sub("[^0-9]", "", offset)
    minutes = int(digits[:2] or 0) * 60 + int(digits[2:] or 0)
    return -minutes if offset.startswith("-") else minutes


def _parts(form: str) -> list[str]:
    return re.findall(r"%.?|[^%]+", form)


def _literal(text: str) -> str:
    """Return the pattern of what stands between directives; a blank may be several."""
    return f"{_BLANK}+".join(map(re.escape, re.split(f"{_BLANK}+", text)))


def _century(year: int) -> int:
    return 1900 if year >= PIVOT else 2000


def _group(name: str, alone: bool) -> str:
    digits = _DIRECTIVES[name]
    return (
        f"(?P<{name}>{digits}|[0-9])" if alone and name in _TWO_DIGITS else f"(?P<{name}>{digits})"
    )


def _check(form: str, found: list[str]) -> None:
    for name in found:
        if name not in _DIRECTIVES:
            known = " ".join(f"%{name}" for name in _DIRECTIVES)
            raise ValueError(f"'{form}': unknown directive '%{name}'; known: {known}")
    for names in ("Yy", "mbB", "HI"):
        if len(set(names) & set(found)) > 1:
            raise ValueError(f"'{form}': names a part of the time twice")
    if len(set(found)) < len(found):
        raise ValueError(f"'{form}': names a part of the time twice")
    if ("I" in found) != ("p" in found):
        raise ValueError(f"'{form}': a clock of 12 hours needs both %I and %p")
    for what, names in _REQUIRED:
        if not set(names) & set(found):
            raise ValueError(
                f"'{form}' names no {what}: expected a year (%Y or %y), a month (%m, %b or %B) "
                "and %d"
            )
