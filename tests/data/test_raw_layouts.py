"""What raw layouts need of the reader: no header, ratings for clicks, times in a format."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.config.data import TabularData, TimeFormat
from clickthrough.data.moments import moment
from clickthrough.errors import DataError, RequestError
from clickthrough.features.rows import RowParser
from clickthrough.schema import Schema, parse_time
from tests.data.test_tabular import HEADER, ROWS, opened, rows_of

NAMES = HEADER.split(",")


def test_a_file_without_a_header_gets_its_names_from_columns(tmp_path: Path) -> None:
    expected = rows_of(opened(tmp_path, f"{HEADER}\n{ROWS}"))
    assert rows_of(opened(tmp_path, ROWS, columns=NAMES)).equals(expected)


@pytest.mark.parametrize("names", [NAMES[:-1], [*NAMES, "more"]])
def test_as_many_names_as_columns_are_needed(tmp_path: Path, names: list[str]) -> None:
    roles = {"label": NAMES[0]}
    with pytest.raises(DataError, match=rf"names {len(names)} columns, .* first row has 7 fields"):
        opened(tmp_path, ROWS, columns=names, roles=roles)


def test_rows_of_a_file_without_a_header_count_from_its_first_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 4 has 2 fields, expected 7"):
        opened(tmp_path, f"{ROWS}3,x\n", columns=NAMES)


def test_a_side_table_has_a_header_even_where_the_log_has_none(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text("ad,firm\n118,a\n119,b\n")
    join = {"file": tmp_path / "ads.csv", "on": "ad"}
    rows = rows_of(opened(tmp_path, ROWS, columns=NAMES, joins=[join]))
    assert rows["firm"].to_list() == ["a", "b", "a"]


def test_a_rating_of_so_much_is_a_click(tmp_path: Path) -> None:
    text = "user,film,rating\n1,1,3.5\n1,2,4\n1,3,4.5\n2,1,\n"
    roles = {"label": "rating", "user": "user", "item": "film"}
    dataset = opened(tmp_path, text, roles=roles, label_at_least=4)
    assert rows_of(dataset)["label"].to_list() == [0, 1, 1, None]
    assert "rating" not in dataset.schema.fields
    with pytest.raises(DataError, match=r"expected 0 or 1, found 3\.5"):
        opened(tmp_path, roles=roles)


FORMATS = ["%y%m%d%H", "%Y%m%d", "%Y%m%d%H%M%S", "%m/%d/%Y %H:%M", "%d.%m.%y", "%Y-%m-%d %H:%M:%S"]
TIMES = [
    "14102100", "14102123", "14102124", "14133100", "14022900", "5010100", "05010100", "690101 0",
    "69010100", "68010100", "20141021", "20140229", "20141021235960", "20141021235959",
    "6/14/2016 4:05", "06/14/2016 04:05", "6/14/2016 4:60", "6/31/2016 4:00", "21.10.14",
    "1.1.70", "2014-10-21 01:02:03", "2014-1-2 1:2:3", "yesterday", "", "-1",
]  # fmt: skip


def _of_batch(text: str, form: TimeFormat) -> int | None:
    frame = pl.DataFrame({"t": [text]}, schema={"t": pl.String})
    value: int | None = frame.select(moment(pl.col("t"), pl.String(), form)).item()
    return value


def _of_service(value: str | float, form: TimeFormat) -> int | None:
    try:
        return parse_time(value, form)
    except ValueError:
        return None


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize("text", TIMES)
def test_what_the_log_can_hold_means_the_same_to_the_service(written: str, text: str) -> None:
    form = TimeFormat(format=written)
    batch = _of_batch(text, form)
    # the service takes ISO 8601 beside the log's own format; the log holds only its own
    if batch is not None or _of_service(text, TimeFormat()) is None:
        assert _of_service(text, form) == batch


def test_formats_read_what_they_should() -> None:
    assert parse_time("14102107", TimeFormat(format="%y%m%d%H")) == 1_413_874_800_000_000
    for written, text in [
        ("%y%m%d%H", "14102107"),
        ("%m/%d/%Y %H:%M", "10/21/2014 7:00"),
        ("%Y-%m-%d %H:%M:%S", "2014-10-21 07:00:00"),
    ]:
        form = TimeFormat(format=written)
        assert _of_batch(text, form) == _of_service(text, form) == 1_413_874_800_000_000
    assert _of_batch("14133100", TimeFormat(format="%y%m%d%H")) is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(2059, 12, 31)), st.sampled_from(FORMATS))
def test_a_time_that_was_written_in_a_format_is_read_back_on_both_sides(
    when: datetime, written: str
) -> None:
    when = when.replace(tzinfo=UTC)
    form, text = TimeFormat(format=written), when.strftime(written)
    expected = datetime.strptime(text, written).replace(tzinfo=UTC)
    micros = round(expected.timestamp()) * 1_000_000
    assert _of_batch(text, form) == micros
    assert _of_service(text, form) == micros


def test_a_number_in_a_format_has_its_leading_zeros_back(tmp_path: Path) -> None:
    text = "t,clicked\n05010100,0\n14102107,1\n"
    roles, time = {"label": "clicked", "time": "t"}, {"format": "%y%m%d%H"}
    rows = rows_of(opened(tmp_path, text, roles=roles, time=time))
    form = TimeFormat(format="%y%m%d%H")
    for value in (5010100, 5010100.0, "05010100", "5010100"):
        assert parse_time(value, form) == rows["time"][0]
    assert parse_time(14102107, form) == rows["time"][1]


def test_the_service_takes_iso_texts_beside_the_format_and_nothing_else() -> None:
    form = TimeFormat(format="%y%m%d%H")
    assert parse_time("2014-10-21T07:00:00Z", form) == parse_time("14102107", form)
    for value in (1_413_849_600, 1.5, "noon"):
        with pytest.raises(ValueError):
            parse_time(value, form)


NOW = 1_700_000_000_000_000


def test_a_caller_whose_time_has_not_the_format_is_told_it() -> None:
    schema = Schema(
        roles={"time": "hour", "label": "click"}, fields={}, time=TimeFormat(format="%y%m%d%H")
    )
    parser = RowParser(schema, [])
    assert parser.parse([{"hour": 14102107}], now=NOW).time.tolist() == [1_413_874_800_000_000]
    with pytest.raises(RequestError, match=r"'hour': expected .* format %y%m%d%H, found 14138"):
        parser.parse([{"hour": 1_413_874_800}], now=NOW)


def test_a_date_that_is_not_iso_is_not_guessed_at(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROWS}".replace("2024-01-01T12:00:00", "01/02/2024")
    with pytest.raises(DataError, match="column 'ts': missing or unreadable"):
        opened(tmp_path, text.replace("2024-01-01T12:05:00", "01/03/2024"))


@pytest.mark.parametrize(
    ("time", "says"),
    [
        ({"format": "%y%m%d%Q"}, "unknown directive '%Q'"),
        ({"format": "%y%m"}, "names no day"),
        ({"format": "%d%m%d%y"}, "twice"),
        ({"format": "%y%m%d", "unit": "s"}, "either 'format' or 'unit'"),
    ],
)
def test_a_format_that_cannot_be_read_is_refused(time: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TimeFormat.model_validate(time)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"columns": ["a", "b", "a"]}, "named twice: a"),
        ({"separator": "ab"}, "separator"),
        ({"drop": ["ad", "price"]}, "'drop' names columns that 'roles' needs: ad"),
    ],
)
def test_settings_that_contradict_are_refused(settings: dict[str, object], says: str) -> None:
    given = {"reader": "tabular", "path": "log.csv", "roles": {"label": "y", "item": "ad"}}
    with pytest.raises(ValueError, match=says):
        TabularData.model_validate(given | settings)
