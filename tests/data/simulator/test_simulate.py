"""The files: the dialect of the published tables, all of it from one seed."""

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from clickthrough.data.simulator.simulate import simulate
from clickthrough.data.simulator.world import Settings
from clickthrough.errors import ConfigError, DataError
from tests.data.simulator.conftest import SETTINGS

Read = Callable[[str], pl.DataFrame]

NUMBER, HEX14, HEX32 = r"\d+", r"[0-9a-f]{14}", r"[0-9a-f]{32}"
PLACE = r"[A-Z]{2}(>[0-9A-Z]{2}(>\d{3})?)?"
SHARE = r"0\.\d+"
DIALECT = {
    "clicks_train": {"display_id": NUMBER, "ad_id": NUMBER, "clicked": "[01]"},
    "clicks_test": {"display_id": NUMBER, "ad_id": NUMBER},
    "events": {
        "display_id": NUMBER,
        "uuid": HEX14,
        "document_id": NUMBER,
        "timestamp": NUMBER,
        "platform": r"[123]|\\N",
        "geo_location": PLACE,
    },
    "promoted_content": {
        "ad_id": NUMBER,
        "document_id": NUMBER,
        "campaign_id": NUMBER,
        "advertiser_id": NUMBER,
    },
    "documents_meta": {
        "document_id": NUMBER,
        "source_id": r"\d+(\.0)?|",
        "publisher_id": r"\d+(\.0)?|",
        "publish_time": r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d|",
    },
    "documents_topics": {"document_id": NUMBER, "topic_id": NUMBER, "confidence_level": SHARE},
    "documents_categories": {
        "document_id": NUMBER,
        "category_id": r"\d{4}",
        "confidence_level": SHARE,
    },
    "documents_entities": {"document_id": NUMBER, "entity_id": HEX32, "confidence_level": SHARE},
    "page_views": {
        "uuid": HEX14,
        "document_id": NUMBER,
        "timestamp": NUMBER,
        "platform": "[123]",
        "geo_location": PLACE,
        "traffic_source": "[123]",
    },
}
SMALL = Settings(impressions=6_000, seed=3)


@pytest.mark.parametrize("name", DIALECT)
def test_a_table_reads_as_the_published_one(table: Read, name: str) -> None:
    made = table(name)
    assert made.columns == list(DIALECT[name])
    assert len(made) > 1_000
    for column, form in DIALECT[name].items():
        texts = made[column].fill_null("").unique()
        strange = texts.filter(~texts.str.contains(f"^({form})$"))
        assert strange.is_empty(), (column, strange.head().to_list())


def test_there_are_no_other_files_and_the_truth_lies_apart(simulated: Path) -> None:
    files = {str(path.relative_to(simulated)) for path in simulated.rglob("*") if path.is_file()}
    assert files == {*(f"{name}.csv" for name in DIALECT), "truth/truth.parquet"}
    named = {column for columns in DIALECT.values() for column in columns}
    truth = pl.read_parquet(simulated / "truth" / "truth.parquet")
    assert truth.columns == ["display_id", "ad_id", "probability", "utility", "observable"]
    assert not {"probability", "utility", "observable"} & named


def test_the_number_of_impressions_is_exact_and_each_display_has_one_click(table: Read) -> None:
    rows = table("clicks_train").cast(pl.Int64)
    assert len(rows) == SETTINGS.impressions
    clicks = rows.group_by("display_id").agg(pl.col("clicked").sum())["clicked"]
    assert clicks.unique().to_list() == [1]


def test_the_truth_holds_every_row_once(table: Read, simulated: Path) -> None:
    pair = ["display_id", "ad_id"]
    rows = pl.concat(
        table(name).select(pair).cast(pl.Int64) for name in ("clicks_train", "clicks_test")
    )
    truth = pl.read_parquet(simulated / "truth" / "truth.parquet").select(pair)
    assert not rows.is_duplicated().any()
    assert rows.sort(pair).equals(truth.sort(pair))


def test_train_lies_on_days_0_to_12_and_half_of_test_after(table: Read) -> None:
    day = pl.col("timestamp") // 86_400_000
    events = table("events").select(pl.col("display_id", "timestamp").cast(pl.Int64))
    last = int(table("clicks_train")["display_id"].cast(pl.Int64).max())  # type: ignore[arg-type]
    assert events["display_id"].to_list() == list(range(1, len(events) + 1))
    train, test = events[:last], events[last:]
    assert train["timestamp"].is_sorted()
    assert train.select(day.unique().sort())["timestamp"].to_list() == list(range(13))
    assert test.select((day >= 13).mean()).item() == pytest.approx(0.5, abs=0.001)
    assert test.select(day.n_unique()).item() == 15
    assert set(table("clicks_test")["display_id"].cast(pl.Int64)) == set(test["display_id"])


def test_every_name_is_found_in_its_table(table: Read) -> None:
    ads, documents = table("promoted_content"), set(table("documents_meta")["document_id"])
    assert not ads["ad_id"].is_duplicated().any()
    shown = pl.concat(table(name).select("ad_id") for name in ("clicks_train", "clicks_test"))
    landing = shown.unique().join(ads, on="ad_id", how="left")["document_id"]
    assert landing.null_count() == 0
    pages = pl.concat([table("events")["document_id"], table("page_views")["document_id"], landing])
    assert set(pages) == documents
    for name in ("documents_topics", "documents_categories", "documents_entities"):
        assert set(table(name)["document_id"]) <= documents


def test_topics_fall_and_are_cut(table: Read) -> None:
    topics = table("documents_topics").cast(
        {"document_id": pl.Int64, "confidence_level": pl.Float64}
    )
    falls = pl.col("confidence_level").diff().max().over("document_id")
    assert topics.select(falls.max()).item() <= 0
    assert topics["confidence_level"].min() >= 0.008  # type: ignore[operator]
    counts = topics.group_by("document_id").len()["len"]
    assert counts.min() == 1
    assert counts.max() == 12
    assert not topics.select("document_id", "topic_id").is_duplicated().any()


def test_every_display_is_among_the_page_views(table: Read) -> None:
    columns = ["uuid", "document_id", "timestamp", "geo_location"]
    events, views = table("events").select(columns), table("page_views").select(columns)
    assert len(events.join(views, on=columns, how="anti")) == 0


@pytest.mark.parametrize("most", [0, 500, 1_500, 9_000])
def test_page_views_are_capped(tmp_path: Path, most: int) -> None:
    settings = Settings(SMALL.impressions, SMALL.seed, page_views=most)
    views = pl.read_csv(simulate(tmp_path / "log", settings) / "page_views.csv")
    assert most * 0.9 <= len(views) <= most


def test_one_seed_makes_one_log(tmp_path: Path) -> None:
    logs = [
        simulate(tmp_path / name, Settings(SMALL.impressions, seed))
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    ]
    files = [{path.name: path.read_bytes() for path in log.rglob("*.*")} for log in logs]
    assert files[0] == files[1]
    assert all(files[0][name] != files[2][name] for name in files[0])


def test_a_directory_that_holds_files_stays_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    kept = tmp_path / "log" / "mine.txt"
    kept.write_text("mine")
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'log'}: holds files already")):
        simulate(tmp_path / "log", SMALL)
    assert kept.read_text() == "mine"
    simulate(tmp_path / "log", SMALL, force=True)
    assert not kept.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("clickthrough.data.simulator.simulate.page_views", fail)
    with pytest.raises(DataError, match="disk full"):
        simulate(tmp_path / "log", SMALL)
    assert not list(tmp_path.iterdir())


def test_a_plain_log_has_its_truth_apart_and_a_configuration(tmp_path: Path) -> None:
    log = simulate(tmp_path / "log", SMALL, "plain")
    files = {str(path.relative_to(log)) for path in log.rglob("*") if path.is_file()}
    assert files == {"log.csv", "ads.csv", "config.yaml", "truth/truth.parquet"}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"impressions": 999}, "impressions: 999"),
        ({"impressions": 5_000, "page_views": -1}, "page_views: -1"),
        ({"impressions": 5_000, "seed": -1}, "seed: -1"),
        ({"impressions": 5_000, "test_share": -0.1}, "test_share: -0.1"),
    ],
)
def test_settings_that_make_no_sense_are_named(values: dict[str, int], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Settings(**values)
