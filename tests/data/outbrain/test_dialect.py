"""How the competition writes its tables, and what is made of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from clickthrough.data.dataset import Dataset
from clickthrough.data.outbrain.documents import MOST_ENTRIES
from tests.data.outbrain.made import APART, SMALL, opened, rows_of, write

FIRST = 1_465_876_799_998_000
"""Microseconds: what the competition's description gives in milliseconds."""


@pytest.fixture
def small(tmp_path: Path) -> Dataset:
    return opened(write(tmp_path / "log"))


def changed(**tables: str) -> Mapping[str, str]:
    return {**SMALL, **tables}


def column(dataset: Dataset, name: str) -> list[object]:
    return rows_of(dataset)[name].to_list()


def test_rows_of_clicks_are_impressions(small: Dataset) -> None:
    assert column(small, "request_id") == [1, 1, 2, 2, 3, 3]
    assert column(small, "item") == [11, 12, 12, 13, 11, 13]
    assert column(small, "label") == [0, 1, 0, 1, 1, 0]
    assert column(small, "row") == list(range(6))
    report = small.report
    assert (report.impressions, report.requests, report.clicks) == (6, 3, 3)
    assert report.notes == [APART]


def test_a_display_gives_its_impressions_user_page_and_moment(small: Dataset) -> None:
    assert column(small, "user") == ["ann", "ann", "bob", "bob", "ann", "ann"]
    assert column(small, "document_id") == [100, 100, 101, 101, 100, 100]
    times = [FIRST + 61_000] * 2 + [FIRST + 120_000_000] * 2 + [FIRST + 240_000_000] * 2
    assert column(small, "time") == times


def test_an_ad_gives_its_campaign_advertiser_and_document(small: Dataset) -> None:
    assert column(small, "campaign_id") == [1, 2, 2, 3, 1, 3]
    assert column(small, "advertiser_id") == [7, 7, 7, 8, 7, 8]
    assert column(small, "ad_document_id") == [200, 201, 201, 200, 200, 200]


def test_blank_lines_at_the_end_are_no_rows(tmp_path: Path) -> None:
    tables = {name: f"{text}\n\n" for name, text in SMALL.items()}
    assert rows_of(opened(write(tmp_path / "log", tables))).equals(
        rows_of(opened(write(tmp_path / "plain")))
    )


def test_a_platform_may_be_unknown(small: Dataset) -> None:
    assert column(small, "platform") == [3, 3, None, None, 1, 1]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("US>CA>807", ("US", "US>CA", "807")),
        ("US>CA", ("US", "US>CA", None)),
        ("GB", ("GB", None, None)),
        ("", (None, None, None)),
        ("\\N", (None, None, None)),
        ("US>>807", ("US", None, "807")),
        (">CA>807", (None, None, "807")),
        ("US>CA>", ("US", "US>CA", None)),
    ],
)
def test_a_place_has_up_to_three_parts(
    tmp_path: Path, written: str, read: tuple[str | None, ...]
) -> None:
    events = SMALL["events"].replace("US>CA>807", written)
    dataset = opened(write(tmp_path / "log", changed(events=events)))
    assert tuple(column(dataset, name)[0] for name in ("country", "state", "dma")) == read


def test_an_id_may_look_like_a_fraction_exactly_whatever_its_size(tmp_path: Path) -> None:
    large = 2**53 + 1
    text = SMALL["clicks_train"].replace("11,", f"{large}.0,")
    ads = SMALL["promoted_content"].replace("\n11,", f"\n{large},").replace(",8\n", ",8.0\n")
    dataset = opened(write(tmp_path / "log", changed(clicks_train=text, promoted_content=ads)))
    assert column(dataset, "item") == [large, 12, 12, 13, large, 13]
    assert column(dataset, "campaign_id") == [1, 2, 2, 3, 1, 3]
    assert column(dataset, "advertiser_id") == [7, 7, 7, 8, 7, 8]


def test_documents_tell_of_the_page_and_of_what_the_ad_leads_to(small: Dataset) -> None:
    assert column(small, "source_id") == [5, 5, 6, 6, 5, 5]
    assert column(small, "publisher_id") == [50, 50, None, None, 50, 50]
    assert column(small, "ad_source_id") == [5, None, None, 5, 5, 5]
    published = int(datetime(2016, 6, 13, tzinfo=UTC).timestamp())
    assert column(small, "published")[:3] == [published, published, None]
    assert column(small, "ad_published")[0] == int(datetime(2016, 6, 1, 12, tzinfo=UTC).timestamp())


def test_a_document_has_its_topics_in_order_of_confidence(small: Dataset) -> None:
    assert column(small, "topic_ids")[0] == [140, 16]
    assert column(small, "topic_confidences")[0] == [0.7, 0.1]
    assert column(small, "topic_id") == [140, 140, None, None, 140, 140]
    assert column(small, "ad_topic_id") == [140, None, None, 140, 140, 140]
    assert column(small, "category_ids")[0] == [1611]
    assert column(small, "ad_category_id") == [None, 1403, 1403, None, None, None]
    assert column(small, "entity_ids")[0] == ["55ebc", "f9eec"]
    assert column(small, "entity_ids")[2] is None
    assert "entity_id" not in small.schema.fields


def test_of_equal_confidences_the_lower_id_stands_first_and_only_so_many_are_kept(
    tmp_path: Path,
) -> None:
    ids = [*range(40, 20, -1)]
    rows = "".join(f"100,{n},0.25\n" for n in ids) + "100,99,0.5\n"
    topics = "document_id,topic_id,confidence_level\n" + rows
    dataset = opened(write(tmp_path / "log", changed(documents_topics=topics)))
    assert column(dataset, "topic_ids")[0] == [99, *sorted(ids)][:MOST_ENTRIES]


def test_page_views_are_those_of_users_who_were_shown_ads_in_order_of_time(
    small: Dataset,
) -> None:
    views = small.views()
    assert views is not None
    found = views.collect()
    assert found["user"].to_list() == ["ann", "bob"]
    assert found["time"].to_list() == [FIRST + 50_000_000, FIRST + 60_000_000]
    assert found["document_id"].to_list() == [101, 100]
    assert found["topic_id"].to_list() == [None, 140]
    assert small.schema.views[:2] == ["user", "document_id"]
    assert not {name for name in small.schema.views if name.endswith("_ids")}


def test_a_page_view_that_is_told_twice_is_one(tmp_path: Path) -> None:
    views = SMALL["page_views"] + "bob,100,60000,2,US,3\nbob,100,60001,1,US,1\n"
    dataset = opened(write(tmp_path / "log", changed(page_views=views)))
    found = dataset.views()
    assert found is not None
    assert found.collect()["user"].to_list() == ["ann", "bob", "bob"]
    apart = APART.replace("of 3", "of 5")
    assert dataset.report.notes == [apart, "1 page views that repeat another count with it"]


def test_the_sample_of_page_views_stands_for_them(tmp_path: Path) -> None:
    tables = {name: text for name, text in SMALL.items() if name != "page_views"}
    folder = write(tmp_path / "log", tables | {"page_views_sample": SMALL["page_views"]})
    views = opened(folder).views()
    assert views is not None
    assert views.collect().height == 2


def test_rows_may_come_in_any_order(tmp_path: Path, small: Dataset) -> None:
    tables = {}
    for name, text in SMALL.items():
        header, *rows = text.splitlines()
        tables[name] = "\n".join([header, *reversed(rows)]) + "\n"
    dataset = opened(write(tmp_path / "other", tables))
    order = ["time", "request_id", "item"]
    expected = rows_of(small).sort(order)
    assert rows_of(dataset).drop("row").sort(order).equals(expected.drop("row"))
    assert column(dataset, "request_id") == [1, 1, 2, 2, 3, 3]
    assert isinstance(expected, pl.DataFrame)


@pytest.mark.parametrize("suffix", [".csv.zip", ".csv.gz"])
def test_a_compressed_directory_is_the_directory(
    tmp_path: Path, small: Dataset, suffix: str
) -> None:
    dataset = opened(write(tmp_path / "packed", SMALL, suffix))
    assert rows_of(dataset).equals(rows_of(small))
    one, other = dataset.views(), small.views()
    assert one is not None
    assert other is not None
    assert one.collect().equals(other.collect())
    assert (dataset.schema, dataset.report) == (small.schema, small.report)


def test_windows_line_ends_and_a_mark_of_the_byte_order_are_read(
    tmp_path: Path, small: Dataset
) -> None:
    tables = {n: b"\xef\xbb\xbf" + t.replace("\n", "\r\n").encode() for n, t in SMALL.items()}
    assert rows_of(opened(write(tmp_path / "other", tables))).equals(rows_of(small))


def test_the_real_sample_is_read(real_logs: Path, tmp_path: Path) -> None:
    dataset = opened(real_logs / "outbrain", tmp_path / "cache")
    report = dataset.report
    assert (report.impressions, report.requests, report.clicks) == (9_999, 1_959, 1_959)
    assert report.first == FIRST + 61_000
    assert len(report.notes) == 5
    assert all(note.startswith("without ") for note in report.notes)
    first = rows_of(dataset).row(0, named=True)
    shown = (first["user"], first["document_id"], first["platform"], first["state"], first["dma"])
    assert shown == ("cb8c55702adb93", 379743, 3, "US>SC", "519")
    assert first["item"] == 42337
    assert None not in rows_of(dataset)["advertiser_id"].to_list()
