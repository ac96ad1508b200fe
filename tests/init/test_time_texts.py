"""Texts of times are read in whatever way they are written, and doubts are told."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from clickthrough.init.time_texts import is_local, written_as

MOMENTS = [datetime(2024, 1, 3, 6) + timedelta(hours=7 * n, seconds=n) for n in range(120)]


def texts(form: str) -> pl.Series:
    return pl.Series("time", [moment.replace(tzinfo=UTC).strftime(form) for moment in MOMENTS])


@pytest.mark.parametrize(
    "form",
    [
        "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d/%b/%Y:%H:%M:%S %z", "%B %d, %Y %H:%M",
        "%d-%b-%y %H:%M:%S", "%m/%d/%y %H:%M", "%d %b %Y %H:%M:%S.%f", "%Y/%m/%d", "%b %d %Y",
        "%d/%m/%Y, %H:%M", "%m/%d/%Y, %I:%M %p", "%Y.%m.%d %H:%M:%S%z",
    ],
)  # fmt: skip
def test_a_form_is_found(form: str) -> None:
    assert next(written_as(texts(form))) == form


def test_where_days_and_months_could_be_changed_over_both_are_told() -> None:
    days = texts("%m/%d/%Y %H:%M").head(20)  # the third to the ninth of January
    assert list(written_as(days)) == ["%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M"]
    assert list(written_as(texts("%m/%d/%Y %H:%M"))) == ["%m/%d/%Y %H:%M"]


def test_what_is_no_time_has_no_form() -> None:
    for values in (["10.2.3.4", "10.2.3.5"], ["7", "8"], ["2024-13-45", "2024-01-01"], ["a", "b"]):
        assert list(written_as(pl.Series("time", values))) == []


@pytest.mark.parametrize(
    ("values", "local"),
    [
        (["2024-01-03 06:00:00", "2024-01-03"], True),
        (["03-01-2024", "04-01-2024"], True),
        (["2024-01-03T06:00:00Z"], False),
        (["2024-01-03T06:00:00+02:00"], False),
        (["2024-01-03 06:00 UTC", None], False),
        (["04/Mar/2024:06:00:00 -0800"], False),
    ],
)
def test_a_clock_that_names_no_zone_is_local(values: list[str | None], local: bool) -> None:
    assert is_local(pl.Series("time", values)) is local
    naive = pl.Series("time", MOMENTS)
    assert is_local(naive)
    assert not is_local(naive.dt.replace_time_zone("UTC"))
    assert not is_local(pl.Series("time", [1, 2]))
