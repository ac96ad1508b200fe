"""Times written in a format of the log's own, such as ``%y%m%d%H``, in UTC.

A format becomes one regular expression that the batch side and the online side both match, so a
time means the same on either. Its directives are those of ``strftime`` (C99) that mean the same
everywhere: years, months, days, hours, minutes and seconds as numbers.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

_DIGITS = {
    "Y": "[0-9]{4}",
    "y": "[0-9]{2}",
    "m": "0[1-9]|1[0-2]",
    "d": "0[1-9]|[12][0-9]|3[01]",
    "H": "[01][0-9]|2[0-3]",
    "M": "[0-5][0-9]",
    "S": "[0-5][0-9]",
}
PIVOT = 69
"""The first two-digit year of the 1900s, as in POSIX: 68 is 2068, 69 is 1969."""


@lru_cache(maxsize=64)
def time_pattern(form: str) -> str:
    """Return the regular expression of a format, a group a directive.

    One digit may stand for two (``6/14/2016``) where another sign follows and precedes it.

    Raises:
        ValueError: an unknown or repeated directive, or no year, month and day.

    >>> time_pattern("%y%m")
    Traceback (most recent call last):
        ...
    ValueError: '%y%m' names no day: expected a year (%Y or %y), %m and %d
    """
    parts = re.findall(r"%.?|[^%]+", form)
    found = [part[1:] for part in parts if part.startswith("%")]
    _check(form, found)
    pattern = ""
    for place, part in enumerate(parts):
        beside = [*parts[max(place - 1, 0) : place], *parts[place + 1 : place + 2]]
        alone = not any(other.startswith("%") for other in beside)
        pattern += _group(part[1:], alone) if part.startswith("%") else re.escape(part)
    return pattern


def fixed_width(form: str) -> int:
    """Return how many digits a format has that is nothing but directives, else 0.

    A number has lost its leading zeros and gets them back by this width.
    """
    parts = re.findall(r"%.|[^%]+", form)
    if not all(part.startswith("%") for part in parts):
        return 0
    return sum(4 if part == "%Y" else 2 for part in parts)


def parse_formatted(value: str | float, form: str) -> datetime | None:
    """Read a time; None where it does not have the format.

    Raises:
        ValueError: it has the format but is no day of the calendar.

    >>> parse_formatted(14102107, "%y%m%d%H")
    datetime.datetime(2014, 10, 21, 7, 0, tzinfo=datetime.timezone.utc)
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    match = re.fullmatch(time_pattern(form), str(value).zfill(fixed_width(form)))
    if match is None:
        return None
    parts = {name: int(digits) for name, digits in match.groupdict().items()}
    year = parts["Y"] if "Y" in parts else _century(parts["y"]) + parts["y"]
    hour, minute, second = (parts.get(name, 0) for name in "HMS")
    return datetime(year, parts["m"], parts["d"], hour, minute, second, tzinfo=UTC)


def _century(year: int) -> int:
    return 1900 if year >= PIVOT else 2000


def _group(name: str, alone: bool) -> str:
    digits = f"{_DIGITS[name]}|[0-9]" if alone and name not in "Yy" else _DIGITS[name]
    return f"(?P<{name}>{digits})"


def _check(form: str, found: list[str]) -> None:
    for name in found:
        if name not in _DIGITS:
            known = " ".join(f"%{name}" for name in _DIGITS)
            raise ValueError(f"'{form}': unknown directive '%{name}'; known: {known}")
    if len(set(found)) < len(found) or {"Y", "y"} <= set(found):
        raise ValueError(f"'{form}': names a part of the time twice")
    for what, names in (("year", "Yy"), ("month", "m"), ("day", "d")):
        if not set(names) & set(found):
            raise ValueError(f"'{form}' names no {what}: expected a year (%Y or %y), %m and %d")
