"""A moment that cannot be is told from one that can, with the unit that was probably meant."""

import re
from datetime import UTC, datetime

import pytest

from clickthrough.config.data import TimeFormat
from clickthrough.schema import Schema, parse_time, to_microseconds
from clickthrough.time_range import AHEAD, possible, why_not, written

FIRST, LAST, NOW = (
    to_microseconds(datetime(2024, month, 1, tzinfo=UTC)) for month in (1, 3, 11)
)  # fmt: skip


def schema(unit: str = "iso") -> Schema:
    return Schema(
        roles={"label": "y", "time": "ts"}, fields={}, time=TimeFormat(unit=unit), first=FIRST,
        last=LAST,
    )  # fmt: skip


def test_what_can_be_lies_between_the_logs_length_before_it_and_an_hour_after_now() -> None:
    low, high = possible(schema(), NOW)
    assert written(low) == "2023-11-02T00:00:00Z"  # two months before: January and February
    assert high == NOW + AHEAD
    assert low < FIRST < LAST < NOW < high


def test_where_the_log_knows_no_times_any_past_can_be() -> None:
    bare = Schema(roles={"label": "y"}, fields={})
    low, high = possible(bare, NOW)
    assert low < to_microseconds(datetime(1, 1, 1, tzinfo=UTC))
    assert high == NOW + AHEAD


@pytest.mark.parametrize(
    ("unit", "value", "says"),
    [
        ("s", 1_730_419_200_000, "would be the year 568.*after now.*; milliseconds.*count seconds"),
        ("iso", 1_730_419_200_000, "; milliseconds.*count seconds"),
        ("ms", 1_730_419_200, "would be 1970-01-21T00:40:19Z, long before the log.*; seconds"),
        ("us", 1_730_419_200_000, "; milliseconds.*count microseconds"),
        ("ns", 1_730_419_200, "; seconds.*count nanoseconds"),
        ("s", 7, r"7 would be 1970-01-01T00:00:07Z, long before the log \(2023-11-02T00:00:00Z\)$"),
        ("iso", "2031-01-01", r"after now \(2024-11-01T00:00:00Z\)$"),
    ],
)
def test_what_is_said_of_one_that_cannot_be(unit: str, value: str | float, says: str) -> None:
    form = schema(unit)
    moment, within = parse_time(value, form.time), possible(form, NOW)
    assert not within[0] <= moment <= within[1]
    found = why_not(value, moment, form, within)
    assert re.search(says, found), found
    assert len(found) < 250
