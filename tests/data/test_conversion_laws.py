"""Conversion in slices equals a sort of the whole log, row by row in plain Python."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.data.convert import convert
from clickthrough.data.dataset import Dataset
from clickthrough.data.raw import RawLog
from clickthrough.data.slices import in_slices
from clickthrough.errors import DataError
from clickthrough.schema import Schema

SCHEMA = Schema(
    roles={"request_id": "request", "time": "ts", "item": "ad", "label": "clicked"},
    fields={"request_id": "int", "item": "int"},
)
TYPES = {"request_id": pl.Int64, "time": pl.Int64, "item": pl.Int64, "label": pl.Float64}
Row = tuple[int, int, int | None, float | None]
"""Request, time, item, label."""

ROWS: st.SearchStrategy[list[Row]] = st.lists(
    st.tuples(
        st.integers(0, 8),
        st.integers(0, 12),
        st.none() | st.integers(1, 4),
        st.none() | st.sampled_from([0.0, 1.0]),
    ),
    min_size=1,
    max_size=30,
)


@dataclass
class Expected:
    """What a conversion should leave: rows, and what it should count."""

    rows: list[Row] = field(default_factory=list)
    united: int = 0
    moved: int = 0
    fewer: int = 0
    more: int = 0

    def notes(self) -> list[int]:
        """The numbers of its notes, in their order."""
        return [n for n in (self.united, self.moved, self.fewer, self.more) if n]


def naive(rows: list[Row]) -> Expected:
    """Convert a log that should have a click a request."""
    made = Expected()
    requests: dict[int, list[Row]] = {}
    for row in rows:
        requests.setdefault(row[0], []).append(row)
    earliest = {request: min(row[1] for row in own) for request, own in requests.items()}
    for request in sorted(requests, key=lambda r: (earliest[r], r)):
        own = requests[request]
        made.moved += len({row[1] for row in own}) > 1
        kept = united([(request, earliest[request], *row[2:]) for row in own])
        made.united += len(own) - len(kept)
        clicks = sum(row[3] or 0 for row in kept)
        made.fewer += clicks < 1
        made.more += clicks > 1
        made.rows += kept
    return made


def united(rows: list[Row]) -> list[Row]:
    """Unite rows of one item: the first stands, clicked if any is."""
    kept: list[Row] = []
    for request, time, item, label in rows:
        before = [n for n, row in enumerate(kept) if item is not None and row[2] == item]
        if not before:
            kept.append((request, time, item, label))
            continue
        labels = [n for n in (kept[before[0]][3], label) if n is not None]
        kept[before[0]] = (request, time, item, max(labels) if labels else None)
    return kept


def converted(rows: list[Row], most: int, pieces: int = 1) -> tuple[Dataset, pl.DataFrame]:
    """Convert rows in slices of about ``most``, given in some pieces."""
    frame = pl.DataFrame(rows, schema=TYPES, orient="row")
    step = max(1, -(-frame.height // pieces))
    starts = range(0, max(1, frame.height), step)
    parts = [frame[start : start + step].lazy() for start in starts]
    raw = RawLog("log", parts, SCHEMA, clicks_per_request=1)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_slices, "__defaults__", (most,))
        source = Path(folder) / "log.txt"
        source.write_text("")
        dataset = convert(Path(folder) / "cache", "", [source], lambda _: raw)
        return dataset, dataset.impressions().collect()


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 40), st.integers(1, 4))
def test_conversion_equals_a_sort_of_the_whole_log(rows: list[Row], most: int, pieces: int) -> None:
    dataset, found = converted(rows, most, pieces)
    expected = naive(rows)
    assert found.select("request_id", "time", "item", "label").rows() == expected.rows
    assert found["row"].to_list() == list(range(len(expected.rows)))
    assert [int(note.split()[0]) for note in dataset.report.notes] == expected.notes()
    report = dataset.report
    assert report.impressions == len(expected.rows)
    assert report.requests == len({row[0] for row in rows})
    assert report.clicks == sum(row[3] == 1 for row in expected.rows)


def test_the_report_counts_the_rows_that_are_kept() -> None:
    dataset, found = converted([(1, 5, 7, None), (1, 5, 7, None), (1, 6, 8, 1.0)], 9)
    assert dataset.report.unlabelled == found["label"].null_count() == 1
    assert (dataset.report.first, dataset.report.last) == (5, 5)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ((1, 1, 1, 0.5), "column 'clicked': expected 0 or 1, found 0.5 .1 rows."),
        ((1, 1, 1, float("nan")), "column 'clicked': expected 0 or 1, found nan"),
        ((1, None, 1, 0.0), "column 'ts': missing or unreadable in 1 of 3 rows"),
        ((None, 1, 1, 0.0), "column 'request': missing or unreadable in 1 of 3 rows"),
    ],
)
def test_what_every_log_must_satisfy(row: Row, says: str) -> None:
    with pytest.raises(DataError, match=says):
        converted([(1, 1, 1, 0.0), row, (2, 1, 1, 1.0)], 9)


def test_a_log_without_rows_is_refused() -> None:
    with pytest.raises(DataError, match="log: holds no impressions"):
        converted([], 9)
