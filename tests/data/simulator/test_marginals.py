"""The simulated log has the marginals and skews of the published one."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from clickthrough.data.simulator.world import World

Read = Callable[[str], pl.DataFrame]
LEVELS = ("ad_id", "document_id", "campaign_id", "advertiser_id")
WITHIN = 0.1


@pytest.fixture(scope="module")
def published(real_logs: Path) -> dict[str, Any]:
    known: dict[str, Any] = json.loads((real_logs / "outbrain_statistics.json").read_text())
    return known


@pytest.fixture(scope="module")
def events(table: Read) -> pl.DataFrame:
    return table("events").cast({"display_id": pl.Int64, "timestamp": pl.Int64})


def test_displays_have_the_published_sizes_and_click_rate(
    table: Read, published: dict[str, Any]
) -> None:
    rows = table("clicks_train")
    rate = rows["clicked"].cast(pl.Int64).mean()
    assert rate == pytest.approx(published["ctr_train"], rel=WITHIN)
    sizes = rows.group_by("display_id").len()["len"].value_counts(normalize=True)
    made = dict(sizes.iter_rows())
    for size, share in published["displays"]["ads_per_display_share_measured"].items():
        assert made[int(size)] == pytest.approx(share, rel=WITHIN), size
    assert set(made) == {
        int(size) for size in published["displays"]["ads_per_display_share_measured"]
    }


def test_users_come_back_as_often(events: pl.DataFrame, published: dict[str, Any]) -> None:
    per_user = len(events) / events["uuid"].n_unique()
    assert per_user == pytest.approx(published["users"]["events_per_uuid"], rel=WITHIN)


def test_as_many_users_are_cold(
    events: pl.DataFrame, table: Read, published: dict[str, Any]
) -> None:
    views = table("page_views").group_by("uuid").len()
    warm = (views["len"] > 1).sum() / events["uuid"].n_unique()
    known = published["users"]["event_users_with_other_page_views"]
    assert warm == pytest.approx(known, rel=WITHIN)
    assert set(views["uuid"]) == set(events["uuid"])


def test_platforms_and_countries(events: pl.DataFrame, published: dict[str, Any]) -> None:
    views = published["platform"]["page_views"]
    for code, count in views.items():
        share = (events["platform"] == code).mean()
        assert share == pytest.approx(count / sum(views.values()), rel=WITHIN), code
    country = events["geo_location"].str.slice(0, 2)
    for name, share in published["geo_first_1959_events"].items():
        assert (country == name).mean() == pytest.approx(share, rel=WITHIN), name


def test_a_few_published_figures_hold_without_the_statistics(
    events: pl.DataFrame, table: Read
) -> None:
    rows = table("clicks_train")
    made = {
        "click rate": rows["clicked"].cast(pl.Int64).mean(),
        "events per user": len(events) / events["uuid"].n_unique(),
        "desktop": (events["platform"] == "1").mean(),
        "mobile": (events["platform"] == "2").mean(),
        "tablet": (events["platform"] == "3").mean(),
        "US": events["geo_location"].str.starts_with("US").mean(),
        "displays of 4": (rows.group_by("display_id").len()["len"] == 4).mean(),
        "displays of 6": (rows.group_by("display_id").len()["len"] == 6).mean(),
    }
    known = (0.19365, 1.168, 0.388, 0.518, 0.094, 0.84, 0.353, 0.321)
    assert list(made.values()) == pytest.approx(known, rel=WITHIN), made


def test_days_are_about_even_and_hours_are_not(events: pl.DataFrame) -> None:
    day = (events["timestamp"] // 86_400_000).value_counts(normalize=True)["proportion"]
    assert len(day) == 15
    assert day.to_numpy() == pytest.approx(np.full(15, 1 / 15), rel=WITHIN)
    hour = (events["timestamp"] // 3_600_000 % 24).value_counts(normalize=True)["proportion"]
    assert hour.max() > 2 * hour.min()  # type: ignore[operator]


def test_the_catalogue_has_the_published_size(world: World, published: dict[str, Any]) -> None:
    known, ads = published["ads"], world.ads
    sizes = {
        "in_promoted_content": len(ads.campaign),
        "campaigns": ads.campaign.max() + 1,
        "advertisers": ads.advertiser.max() + 1,
        "documents_promoted": ads.document.max() + 1,
    }
    for name, size in sizes.items():
        assert size == pytest.approx(known[name], rel=WITHIN), name
    per_campaign = np.bincount(ads.campaign)
    assert np.median(per_campaign) == known["ads_per_campaign"]["median"]
    p99 = np.quantile(per_campaign, 0.99)
    assert p99 == pytest.approx(known["ads_per_campaign"]["p99"], rel=WITHIN)


def test_documents_have_as_many_topics(table: Read, published: dict[str, Any]) -> None:
    topics, known = table("documents_topics"), published
    mean = known["rows"]["documents_topics"] / known["documents"]["with_topics"]
    assert len(topics) / topics["document_id"].n_unique() == pytest.approx(mean, rel=WITHIN)
    share = topics["document_id"].n_unique() / len(table("documents_meta"))
    all_documents = known["rows"]["documents_meta"]
    assert share == pytest.approx(known["documents"]["with_topics"] / all_documents, rel=WITHIN)
    assert set(topics["topic_id"].cast(pl.Int64)) == set(range(known["documents"]["topics"]))


def test_skews_are_those_of_as_many_real_displays(table: Read, real_logs: Path) -> None:
    packed = zipfile.ZipFile(real_logs / "outbrain" / "promoted_content.csv.zip")
    ads = pl.read_csv(packed.read("promoted_content.csv"))
    real = pl.read_csv(real_logs / "outbrain_ranking" / "clicks.csv").join(ads, on="ad_id")
    rows = table("clicks_train").join(table("promoted_content"), on="ad_id")
    displays = rows["display_id"].unique(maintain_order=True)
    kept = displays.sample(real["display_id"].n_unique(), seed=1)
    ours = rows.filter(pl.col("display_id").is_in(kept.implode()))
    for level in LEVELS:
        made, known = (np.sort(x[level].value_counts()["count"])[::-1] for x in (ours, real))
        assert len(made) == pytest.approx(len(known), rel=0.15), level
        # the share of the most shown; the very first few are a matter of luck
        for top in (100, 1_000):
            share, wanted = made[:top].sum() / made.sum(), known[:top].sum() / known.sum()
            assert share == pytest.approx(wanted, rel=0.35), (level, top)
