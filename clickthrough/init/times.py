"""Which column is the time of an impression, and how it counts. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import polars as pl

from clickthrough.config.data import TimeFormat, TimeUnit
from clickthrough.data.moments import moment
from clickthrough.init.names import hint, leak, rank
from clickthrough.init.profile import Column, Profile
from clickthrough.init.time_texts import forms_of, is_local, written_as
from clickthrough.init.vocabulary import OTHER_TIMES, TIMES
from clickthrough.schema import unit_microseconds
from clickthrough.time_range import UNITS

_SURE_NAMES = 5
"""Words for times by which a column is one by its name alone."""
FEW_ROWS, _FEW_ROWS_LOOKED_AT = 0.05, 50
_YEAR = 365 * 86_400
_FORMATS = {
    6: ("%y%m%d",),
    8: ("%Y%m%d", "%y%m%d%H"),
    10: ("%Y%m%d%H", "%y%m%d%H%M"),
    12: ("%Y%m%d%H%M", "%y%m%d%H%M%S"),
    14: ("%Y%m%d%H%M%S",),
    17: ("%Y%m%d%H%M%S%f",),
    20: ("%Y%m%d%H%M%S%f",),
}
"""Formats of numbers by their number of digits."""
_UNITS: tuple[TimeUnit, ...] = ("s", "ms", "us", "ns")
_ERA = (631_152_000 * 1_000_000, 2_208_988_800 * 1_000_000)
"""1990 to 2040, in microseconds: where the times of a log are to be expected."""


@dataclass(frozen=True)
class TimeGuess:
    """The time column.

    Attributes:
        form: how it counts.
        reason: why it was taken.
        span: seconds from the first to the last sampled impression.
        step: seconds that all times are multiples of: an hour, a minute or a second.
        known: whether hours and weekdays are known; not where the origin is not.
        local: whether it is of a clock whose zone it does not name.
    """

    column: str
    form: TimeFormat
    reason: str
    span: float
    step: int
    known: bool = True
    local: bool = False


def guess_time(profile: Profile, chosen: str | None = None, label: str = "") -> TimeGuess | None:
    """Find the time of the impressions: dates and times before numbers in a form of their own.

    Args:
        profile: of the log.
        chosen: the column, if its owner names it.
        label: the column of the label: what comes after it is no time of an impression.
    """
    names = [chosen] if chosen is not None else _candidates(profile, label)
    read = (_read(profile, name, chosen is not None) for name in names)
    return min((time for time in read if time is not None), key=_doubt, default=None)


def _read(profile: Profile, name: str, sure: bool) -> TimeGuess | None:
    """Read a column as times in the likeliest way that reads all of it."""
    for form, reason in _forms(profile.columns[name], profile.rows[name], sure):
        micros = moments(profile.rows[name], form)
        if micros is not None:
            known, local = reason != _NO_ORIGIN, form.unit == "iso" and is_local(profile.rows[name])
            return TimeGuess(name, form, reason, *_scale(micros), known, local)
    return None


def _doubt(time: TimeGuess) -> int:
    """Return how little a reading is sure to be a time; more for what bare numbers may be."""
    if not time.known:
        return 2
    return int(time.reason.startswith(_AS_NUMBERS))


def moments(values: pl.Series, form: TimeFormat) -> pl.Series | None:
    """Return a column as microseconds since 1970 UTC; None if a value is no such time."""
    frame = values.to_frame()
    made = frame.select(moment(pl.col(values.name), values.dtype, form)).to_series()
    return made if made.null_count() == values.null_count() < len(values) else None


def _candidates(profile: Profile, label: str) -> list[str]:
    """Return columns that may be the time, the likeliest first: by name, then always given."""
    columns = [
        c
        for c in profile.columns.values()
        if leak(c.name, label) is None
        and hint(c.name, OTHER_TIMES) is None
        and c.missing == 0
        and (hint(c.name, TIMES) or _has_clock(c, profile.rows[c.name]))
    ]
    columns.sort(key=lambda c: (rank(c.name, TIMES), c.type != "moment"))
    return [c.name for c in columns]


def _forms(column: Column, values: pl.Series, sure: bool) -> Iterator[tuple[TimeFormat, str]]:
    """Yield ways to read a column as times, the likeliest first."""
    if column.type == "moment":
        yield TimeFormat(), "dates and times"
    elif column.type == "str":
        yield TimeFormat(), "ISO 8601 texts"
        ways = list(islice(written_as(values), 2))
        for text in ways[:1]:
            also = f"; {ways[1]} {ALSO}" if len(ways) > 1 else ""
            reason = f"texts such as {_example(values)}, read as {text}{also}"
            yield TimeFormat(format=text), reason
    elif column.type in ("int", "float") and (sure or column.distinct > 1):
        yield from _numbers(column)


def _numbers(column: Column) -> Iterator[tuple[TimeFormat, str]]:
    low, high = int(column.low), int(column.high)
    if low < 0:
        return
    digits = len(str(high))
    now_or_before = 1_900_000_000  # a unit that puts a log after 2030 is less likely than a format
    for unit in _UNITS:
        first, last = _in_microseconds(low, unit), _in_microseconds(high, unit)
        if first >= _ERA[0] and last < now_or_before * 1_000_000:
            yield TimeFormat(unit=unit), f"{UNITS[unit]} since 1970"
    for text in _FORMATS.get(digits, ()):
        yield TimeFormat(format=text), f"{_AS_NUMBERS} {high}, read as {text}"
    if hint(column.name, _CLOCKS) is None or column.distinct < 100:
        return  # an hour of the day counts as well
    for unit in _UNITS[:3]:
        if _in_microseconds(high - low, unit) <= 2 * _YEAR * 1_000_000:
            yield TimeFormat(unit=unit), _NO_ORIGIN


@dataclass(frozen=True)
class Fault:
    """What keeps a column from being the time though nearly all of it is one.

    Attributes:
        place: of the first such row in the sample.
        value: what stands there; None where nothing does.
        count: rows.
    """

    column: str
    place: int
    value: str | None
    count: int

    def text(self, profile: Profile) -> str:
        """Say it."""
        found = "nothing" if self.value is None else repr(self.value)
        place = f", row {self.place + 1:,} below the header," if profile.whole else ""
        return (
            f"cannot be read in {self.count:,} of {len(profile.rows):,} rows; the first{place} "
            f"holds {found}"
        )


def nearly_time(profile: Profile, label: str) -> Fault | None:
    """Return the first column that is named like a time and is one but for a few rows."""
    columns = [c for c in profile.columns.values() if hint(c.name, TIMES[:_SURE_NAMES])]
    columns = [c for c in columns if leak(c.name, label) is None and not hint(c.name, OTHER_TIMES)]
    columns.sort(key=lambda c: rank(c.name, TIMES))
    faults = (fault_of(profile, column.name) for column in columns)
    return next((fault for fault in faults if fault is not None), None)


def fault_of(profile: Profile, name: str) -> Fault | None:
    """Return what keeps a column from being a time, where that is a few of its rows."""
    values, dated = profile.rows[name], profile.columns[name].type == "moment"
    lacks = values.is_null()
    if values.dtype == pl.String and lacks.sum() < len(values):
        lacks |= ~_best_reading(values)
    elif not (dated or values.dtype.is_numeric()):
        return None
    count = int(lacks.sum())
    if not 0 < count <= FEW_ROWS * len(values):
        return None
    place = int(lacks.arg_true()[0])
    found = values[place]
    return Fault(name, place, None if found is None else str(found), count)


def _best_reading(values: pl.Series) -> pl.Series:
    """Say of each text whether it can be read in the way that reads most of them."""
    few = values.drop_nulls().head(_FEW_ROWS_LOOKED_AT).unique()
    forms = [TimeFormat(), *(TimeFormat(format=text) for text in {*forms_of(str(few[0]))})]
    column = pl.col(values.name)
    ways = [
        values.to_frame().select(moment(column, pl.String(), form).is_not_null()).to_series()
        for form in forms
    ]
    return max(ways, key=lambda way: int(way.sum()))


def _in_microseconds(count: int, unit: TimeUnit) -> int:
    return count // 1_000 if unit == "ns" else count * unit_microseconds(TimeFormat(unit=unit))


ALSO = "would read them too"
_AS_NUMBERS = "numbers such as"
_CLOCKS = ("timestamp", "time", "ts")
_NO_ORIGIN = "numbers that count from no moment that is known: the unit is a guess, see 'origin'"


def _has_clock(column: Column, values: pl.Series) -> bool:
    """Tell moments from dates, which may be anyone's birthday."""
    if column.type == "str" and column.distinct > 1:
        return bool(values.drop_nulls().head(100).str.contains(r"\d{1,2}:\d{2}").all())
    return values.dtype == pl.Datetime


def _example(values: pl.Series) -> str:
    return str(values.drop_nulls().first())


def _scale(micros: pl.Series) -> tuple[float, int]:
    low, high = (int(value) for value in (micros.min(), micros.max()))  # type: ignore[arg-type]
    steps = (86_400, 3_600, 60, 1)
    step = next(s for s in steps if s == 1 or bool((micros % (s * 1_000_000) == 0).all()))
    return (high - low) / 1_000_000, step
