from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.features.encoding.calendar import day_of_week, hour_of_day, local_seconds
from clickthrough.schema import to_microseconds

ZONES = [
    "UTC",
    "Europe/Copenhagen",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
MOMENTS = st.integers(0, 2_500_000_000_000_000)  # 1970 to 2049


def assert_as_zoneinfo(times: list[int], zone: str) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    local = [(epoch + timedelta(microseconds=t)).astimezone(ZoneInfo(zone)) for t in times]
    array = np.array(times, np.int64)
    alone = [local_seconds(array[place : place + 1], zone)[0] for place in range(len(times))]
    assert local_seconds(array, zone).tolist() == alone
    assert hour_of_day(array, zone).tolist() == [moment.hour for moment in local]
    assert day_of_week(array, zone).tolist() == [moment.weekday() for moment in local]


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None)
@given(times=st.lists(MOMENTS, min_size=1, max_size=30))
def test_hours_and_weekdays_are_those_of_zoneinfo(zone: str, times: list[int]) -> None:
    assert_as_zoneinfo(times, zone)


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (datetime(2023, 3, 26, 1), 1, 3),  # clocks go forward at 01:00 UTC
        (datetime(2023, 10, 29, 1), 2, 2),  # and back: 02 comes twice
    ],
)
def test_the_hour_jumps_at_the_very_moment_clocks_change_in_copenhagen(
    change: datetime, before: int, after: int
) -> None:
    moment = to_microseconds(change)
    hours = hour_of_day(np.array([moment - 1, moment]), "Europe/Copenhagen")
    assert hours.tolist() == [before, after]
    minutes = np.arange(-180, 180) * 60_000_000 + moment
    assert_as_zoneinfo(minutes.tolist(), "Europe/Copenhagen")


def test_a_weekday_is_that_of_the_zone_not_that_of_utc() -> None:
    late_on_sunday = np.array([to_microseconds(datetime(2023, 5, 21, 23, 30))])
    assert day_of_week(late_on_sunday, "UTC").tolist() == [6]
    assert day_of_week(late_on_sunday, "Europe/Copenhagen").tolist() == [0]


def test_moments_before_1970_count_backwards() -> None:
    last_second = np.array([-1])
    assert hour_of_day(last_second, "UTC").tolist() == [23]
    assert day_of_week(last_second, "UTC").tolist() == [2]  # a Wednesday


@pytest.mark.parametrize("zone", ["UTC", "Europe/Copenhagen"])
def test_the_furthest_moments_that_a_row_may_name_have_an_hour(zone: str) -> None:
    furthest = np.array([-(2**61), 2**61])
    assert set(hour_of_day(furthest, zone).tolist()) <= set(range(24))
    assert set(day_of_week(furthest, zone).tolist()) <= set(range(7))


def test_no_moments_have_no_hours() -> None:
    assert local_seconds(np.array([], np.int64), "Europe/Copenhagen").shape == (0,)
