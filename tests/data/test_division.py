"""Where the parts of a log begin is what sorting it and taking the place of a share says."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough import dealt
from clickthrough.config.data import Boundary, TimeSplit
from clickthrough.data import division
from clickthrough.data.dataset import IMPRESSIONS, Dataset, Report
from clickthrough.data.division import Division, division_of
from clickthrough.data.split import before_test
from clickthrough.schema import Schema, to_microseconds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = tuple[int, int]
"""The request and the time of an impression, both small: ties are many."""

moments = st.integers(-3, 9).map(lambda micros: EPOCH + timedelta(microseconds=micros))
boundaries: st.SearchStrategy[Boundary] = (
    st.floats(0.001, 0.999) | st.sampled_from([0.1, 0.2, 1 / 3, 0.5]) | moments
)
rows_of_logs = st.lists(st.tuples(st.integers(0, 6), st.integers(-2, 6)), min_size=1, max_size=40)


def dataset_of(folder: Path, rows: list[Row], roles: list[str], at_most: int = 7) -> Dataset:
    """Write a converted log in files of a few rows: by time, where it has times."""
    ordered = sorted(rows, key=lambda row: row[1]) if "time" in roles else rows
    times = [time if "time" in roles else 0 for _, time in ordered]
    requests = [request for request, _ in ordered] if "request_id" in roles else range(len(rows))
    frame = pl.DataFrame(
        {"request_id": [*requests], "time": times, "label": [0] * len(rows)}
    ).with_row_index("row")
    (folder / IMPRESSIONS).mkdir(parents=True)
    for place, part in enumerate(frame.cast({"row": pl.Int64}).iter_slices(at_most)):
        part.write_parquet(folder / IMPRESSIONS / f"{place:05d}.parquet", row_group_size=3)
    report = Report(
        impressions=len(rows), requests=1, clicks=0, unlabelled=0, first=min(times), last=max(times)
    )
    schema = Schema(roles={role: role for role in ["label", *roles]}, fields={})
    return Dataset(folder, schema, report, False, "log")


def begins(along: list[int], boundary: Boundary | None, end: int) -> int:
    """Return where a part begins: at a place among the sorted values of what comes before."""
    if boundary is None:
        return end
    if isinstance(boundary, datetime):
        return to_microseconds(boundary)
    before = sorted(value for value in along if value < end)
    if not before:
        return end
    return before[min(round(len(before) * (1 - boundary)), len(before) - 1)]


@settings(max_examples=150, deadline=None)
@given(
    rows=rows_of_logs,
    roles=st.sampled_from([["time", "request_id"], ["time"], ["request_id"], []]),
    validation=boundaries,
    test=boundaries | st.none(),
    held=st.sampled_from([5, 1_000]),
)
def test_parts_begin_at_the_place_of_a_share_among_sorted_rows(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[Row],
    roles: list[str],
    validation: Boundary,
    test: Boundary | None,
    held: int,
) -> None:
    split = TimeSplit.model_construct(validation=validation, test=test)
    dataset = dataset_of(tmp_path_factory.mktemp("log"), rows, roles)
    frame = dataset.impressions().collect()
    along = frame["time" if "time" in roles else "row"].to_list()
    last = begins(along, test, max(along) + 1)
    first = begins(along, validation, last)
    places = along
    if "time" not in roles:
        requests = frame["request_id"].to_list()
        of_each = {request: place for place, request in reversed([*enumerate(requests)])}
        places = [of_each[request] for request in requests]
    expected = [(place >= first) + (place >= last) for place in places]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dealt, "HELD", held)
        found = division_of(dataset, split)

    assert (found.validation, found.test) == (first, last)
    assert found.of(dataset.impressions()).collect()["part"].to_list() == expected
    assert found.found == Counter(expected)
    assert before_test(dataset, split) == (found.column, last)


def test_a_log_is_looked_through_once_for_each_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[pl.LazyFrame] = []
    found = division._found

    def told(rows: pl.LazyFrame) -> dict[int, int]:
        looked.append(rows)
        return found(rows)

    monkeypatch.setattr(division, "_found", told)
    rows = [(place // 2, place) for place in range(40)]
    dataset = dataset_of(tmp_path / "one", rows, ["time", "request_id"])

    def test_at(log: Dataset, test: float) -> Division:
        return division_of(log, TimeSplit(test=test))

    assert test_at(dataset, 0.1) is test_at(dataset, 0.1)
    assert len(looked) == 1
    assert test_at(dataset, 0.5).test == 20
    assert test_at(dataset, 0.1).test == 36
    assert len(looked) == 2
    other = dataset_of(tmp_path / "other", rows[:20], ["time", "request_id"])
    assert test_at(other, 0.1).test == 18
    assert len(looked) == 3
