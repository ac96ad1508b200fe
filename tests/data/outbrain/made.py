"""Small made-up directories in the layout of the competition 'Outbrain Click Prediction'."""

import gzip
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from clickthrough.config.data import OutbrainData
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset

SMALL: Mapping[str, str] = {
    "clicks_train": "display_id,ad_id,clicked\n1,11,0\n1,12,1\n2,12,0\n2,13,1\n3,11,1\n3,13,0\n",
    "events": "display_id,uuid,document_id,timestamp,platform,geo_location\n"
    "1,ann,100,61,3,US>CA>807\n2,bob,101,120000,\\N,US\n3,ann,100,240000,1,\n",
    "promoted_content": "ad_id,document_id,campaign_id,advertiser_id\n"
    "11,200,1,7\n12,201,2,7\n13,200,3,8\n",
    "documents_meta": "document_id,source_id,publisher_id,publish_time\n"
    "100,5,50,2016-06-13 00:00:00\n101,6,,\n200,5,50,2016-06-01 12:00:00\n",
    "documents_topics": "document_id,topic_id,confidence_level\n"
    "100,16,0.1\n100,140,0.7\n200,140,0.5\n",
    "documents_categories": "document_id,category_id,confidence_level\n"
    "100,1611,0.92\n201,1403,0.4\n",
    "documents_entities": "document_id,entity_id,confidence_level\n100,f9eec,0.6\n100,55ebc,0.8\n",
    "page_views": "uuid,document_id,timestamp,platform,geo_location,traffic_source\n"
    "ann,101,50000,1,US>CA>807,2\nbob,100,60000,1,US,1\nzoe,100,5,1,US,1\n",
}
"""Six impressions of three displays; every table, with the peculiarities of each."""
OPTIONAL = [name for name in SMALL if name not in ("clicks_train", "events", "promoted_content")]


def write(folder: Path, tables: Mapping[str, str | bytes] = SMALL, suffix: str = ".csv") -> Path:
    """Write tables; return their directory."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in tables.items():
        content = text.encode() if isinstance(text, str) else text
        path = folder / f"{name}{suffix}"
        if suffix.endswith(".gz"):
            path.write_bytes(gzip.compress(content))
        elif suffix.endswith(".zip"):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(f"{name}.csv", content)
        else:
            path.write_bytes(content)
    return folder


def opened(folder: Path, cache: Path | None = None) -> Dataset:
    """Open a directory, with a cache beside it."""
    given = {"reader": "outbrain", "path": folder, "cache": cache or folder.parent / "cache"}
    return open_dataset(OutbrainData.model_validate(given))


def rows_of(dataset: Dataset) -> pl.DataFrame:
    return dataset.impressions().collect()


def random_tables(displays: int = 400, seed: int = 3, days: float = 12.9) -> dict[str, str]:
    """Return a log of random displays of two to five ads, one of them clicked."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 6, displays)
    ids = np.repeat(np.arange(1, displays + 1), sizes)
    ads = np.concatenate([rng.choice(40, size, replace=False) for size in sizes])
    score = np.where(ads % 3 == 0, 1.5, 0.0) + rng.gumbel(size=len(ads))
    clicks = pl.DataFrame({"display_id": ids, "ad_id": ads, "score": score}).select(
        "display_id", "ad_id",
        clicked=(pl.col("score") == pl.col("score").max().over("display_id")).cast(pl.Int8),
    )  # fmt: skip
    places = np.array(["US>CA>807", "US>NY", "GB", "", "CA>ON"])
    moments = np.sort(rng.integers(0, int(days * 86_400_000), displays))
    events = pl.DataFrame(
        {
            "display_id": np.arange(1, displays + 1),
            "uuid": [f"u{n}" for n in rng.integers(0, 60, displays)],
            "document_id": rng.integers(100, 130, displays),
            "timestamp": moments,
            "platform": rng.choice(["1", "2", "3", "\\N"], displays, p=[0.4, 0.4, 0.1, 0.1]),
            "geo_location": rng.choice(places, displays),
        }
    )
    views = 3 * displays
    page_views = pl.DataFrame(
        {
            "uuid": [f"u{n}" for n in rng.integers(0, 70, views)],
            "document_id": rng.integers(100, 150, views),
            "timestamp": rng.integers(0, int(days * 86_400_000), views),
            "platform": rng.integers(1, 4, views),
        }
    )
    ad = np.arange(40)
    promoted = pl.DataFrame(
        {"ad_id": ad, "document_id": 130 + ad % 20, "campaign_id": ad % 9, "advertiser_id": ad % 4}
    )
    documents = {name: frame.write_csv() for name, frame in _documents(rng).items()}
    shown = {"clicks_train": clicks, "events": events, "promoted_content": promoted}
    return {
        **{name: frame.write_csv() for name, frame in shown.items()},
        **documents,
        "page_views": page_views.write_csv(),
    }


def _documents(rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    ids = np.arange(100, 148)
    meta = pl.DataFrame(
        {
            "document_id": ids,
            "source_id": ids % 7,
            "publisher_id": ids % 3,
            "publish_time": [f"2016-0{1 + n % 5}-1{n % 10} 08:00:00" for n in ids],
        }
    )
    tables = {"documents_meta": meta}
    for name, prefix in (("topic", ""), ("category", "1"), ("entity", "e")):
        plural = {"topic": "topics", "category": "categories", "entity": "entities"}[name]
        tables[f"documents_{plural}"] = pl.DataFrame(
            {
                "document_id": np.repeat(ids, 2),
                f"{name}_id": [f"{prefix}{n}" for n in rng.integers(0, 12, 2 * len(ids))],
                "confidence_level": rng.random(2 * len(ids)).round(3),
            }
        )
    return tables


APART = "1 of 3 page views are of users who were shown nothing, and are left out"
"""The note that the small log always has, where it has page views."""


def notes_of(dataset: Dataset) -> list[str]:
    """Return what is to know of a small log, besides that."""
    return [note for note in dataset.report.notes if note != APART]
