"""A time means the same in a column of a log and in a request: one law over every form of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clickthrough.config.data import TimeFormat
from clickthrough.data.moments import moment
from clickthrough.schema import parse_time, to_microseconds

ZONES = ("UTC", "Asia/Shanghai", "Europe/Copenhagen", "America/New_York", "Australia/Lord_Howe")
FORMATS = (
    "%Y%m%d%H", "%y%m%d%H", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%d/%b/%Y:%H:%M:%S %z",
    "%B %d, %Y %H:%M", "%d %b %Y", "%Y-%m-%d %H:%M:%S.%f", "%Y/%m/%dT%H:%M:%S%z", "%m/%d/%y",
)  # fmt: skip


def in_batch(values: list[Any], form: TimeFormat, dtype: Any = None) -> list[int | None]:  # noqa: ANN401
    series = pl.Series("ts", values, dtype=dtype)
    made = series.to_frame().select(moment(pl.col("ts"), series.dtype, form))
    return made.to_series().to_list()


def online(value: Any, form: TimeFormat) -> int | None:  # noqa: ANN401
    try:
        return parse_time(value, form)
    except (ValueError, OverflowError):
        return None


moments = st.datetimes(datetime(1971, 1, 1), datetime(2068, 12, 31))
offsets = st.sampled_from(["", "Z", "+00:00", "+05:30", "-0800", " UTC", "+02", "GMT", "z"])
fractions = st.sampled_from(["", ".5", ".123", ".123456", ".123456789", ",25"])


@st.composite
def iso_texts(draw: st.DrawFn) -> str:
    when = draw(moments)
    date = when.strftime("%Y-%m-%d")
    if draw(st.integers(0, 9)) == 0:
        return date
    clock = when.strftime("%H:%M:%S") if draw(st.booleans()) else when.strftime("%H:%M")
    fraction = draw(fractions) if clock.count(":") == 2 else ""
    blank = draw(st.sampled_from(["", " "]))
    return f"{blank}{date}{draw(st.sampled_from('T '))}{clock}{fraction}{draw(offsets)}{blank}"


@settings(max_examples=300, deadline=None)
@given(texts=st.lists(iso_texts() | st.text(max_size=12) | st.from_regex(r"[0-9:\- TZ]{1,20}"),
                      min_size=1, max_size=20), zone=st.sampled_from(ZONES))  # fmt: skip
@example(["2024-03-31T02:30:00", "2024-10-27 02:30:00", "2024-03-31 02:30"], "Europe/Copenhagen")
@example(["2024-10-06T02:15:00", "2024-04-07 01:45:00"], "Australia/Lord_Howe")
@example(["0999-01-01T00:00:00", "0001-01-01", "9999-12-31 23:59:59Z", "1000-02-03 04:05"], "UTC")
@example(["20240101", "2024-02-30", "2024-W01-1", "2024-01-01T24:00:00", "0000-01-01"], "UTC")
def test_a_text_is_read_alike_by_both_sides(texts: list[str], zone: str) -> None:
    form = TimeFormat(timezone=zone)
    assert in_batch(texts, form, pl.String) == [online(text, form) for text in texts]


@settings(max_examples=200, deadline=None)
@given(when=st.lists(moments, min_size=1, max_size=10), written=st.sampled_from(FORMATS),
       zone=st.sampled_from(ZONES), junk=st.text(max_size=10))  # fmt: skip
def test_a_format_is_read_alike_and_gives_back_what_was_written(
    when: list[datetime], written: str, zone: str, junk: str
) -> None:
    form = TimeFormat(format=written, timezone=zone)
    aware = [moment.replace(tzinfo=ZoneInfo(zone)) for moment in when]
    texts = [moment.strftime(written) for moment in aware]
    found = in_batch([*texts, junk], form, pl.String)
    assert found == [online(text, form) for text in [*texts, junk]]
    for text, meant, micros in zip(texts, aware, found, strict=False):
        assert micros is not None
        again = datetime.fromtimestamp(micros / 1e6, UTC).astimezone(meant.tzinfo)
        assert again.strftime(written) == text or not exists(meant)


def exists(moment: datetime) -> bool:
    """Say whether a clock shows a time: not in the hour that is left out in spring."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo).replace(fold=0) == moment


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["s", "ms", "us", "ns"]),
    st.lists(st.integers(-(2**40), 2**40) | st.floats(-1e9, 1e9), min_size=1, max_size=10),
)
def test_a_number_is_read_alike_as_a_number_and_as_a_text(
    unit: Any,  # noqa: ANN401
    numbers: list[float],
) -> None:
    form = TimeFormat(unit=unit)
    ints = [int(number) for number in numbers]
    assert in_batch(ints, form, pl.Int64) == [online(number, form) for number in ints]
    floats = [float(number) for number in numbers]
    if unit != "ns":
        assert in_batch(floats, form, pl.Float64) == [online(number, form) for number in floats]
    texts = [*map(str, ints), "2024-01-01", "x", " 7 ", "7.25"]
    assert in_batch(texts, form, pl.String) == [online(text, form) for text in texts]


@pytest.mark.parametrize("zone", ZONES)
def test_moments_without_a_zone_are_of_the_logs_zone(zone: str) -> None:
    local = datetime(2024, 6, 1, 20, 15, 3, 250_000)
    form = TimeFormat(timezone=zone)
    expected = to_microseconds(local.replace(tzinfo=ZoneInfo(zone)))
    for dtype in (pl.Datetime("us"), pl.Datetime("ms"), pl.Datetime("ns")):
        assert in_batch([local], form, dtype) == [expected]
    assert in_batch([local.date()], form, pl.Date) == [
        to_microseconds(datetime(2024, 6, 1, tzinfo=ZoneInfo(zone)))
    ]
    aware = pl.Series("ts", [local]).dt.replace_time_zone("Asia/Tokyo").to_frame()
    made = aware.select(moment(pl.col("ts"), aware.schema["ts"], form)).item()
    assert made == to_microseconds(local.replace(tzinfo=ZoneInfo("Asia/Tokyo")))


@pytest.mark.parametrize(
    ("text", "form", "means"),
    [
        ("6/14/2016 1:05:09 PM", "%m/%d/%Y %I:%M:%S %p", datetime(2016, 6, 14, 13, 5, 9)),
        ("12/1/2016 12:00:00 am", "%m/%d/%Y %I:%M:%S %p", datetime(2016, 12, 1)),
        ("14/Jun/2016:20:00:00 +0200", "%d/%b/%Y:%H:%M:%S %z", datetime(2016, 6, 14, 18)),
        ("June 14, 2016  20:00", "%B %d, %Y %H:%M", datetime(2016, 6, 14, 20)),
        ("14 JUN 68", "%d %b %y", datetime(2068, 6, 14)),
        ("14 sep 69", "%d %b %y", datetime(1969, 9, 14)),
    ],
)
def test_what_a_text_means(text: str, form: str, means: datetime) -> None:
    expected = to_microseconds(means)
    assert online(text, TimeFormat(format=form)) == expected
    assert in_batch([text], TimeFormat(format=form)) == [expected]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("%Y-%m-%d %I:%M", "needs both %I and %p"),
        ("%Y-%m-%d %H %p", "needs both %I and %p"),
        ("%Y-%m-%d %H %I %p", "twice"),
        ("%Y-%b-%m-%d", "twice"),
        ("%Y-%d", "names no month"),
        ("%Q", "unknown directive '%Q'"),
    ],
)
def test_a_format_that_cannot_be_is_refused(form: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TimeFormat(format=form)


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown time zone 'Asia/Shangai'.*'Asia/Shanghai'"):
        TimeFormat(timezone="Asia/Shangai")


def test_a_days_step_in_spring_is_an_hour_short() -> None:
    form = TimeFormat(timezone="Europe/Copenhagen")
    before, after = (online(text, form) for text in ("2024-03-30 12:00", "2024-03-31 12:00"))
    assert before is not None
    assert after is not None
    assert after - before == timedelta(hours=23) / timedelta(microseconds=1)
