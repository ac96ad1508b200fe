"""Bundles that hold side tables, and what callers send who know ids alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.config.load import load_config, parse_config
from clickthrough.data.caller import raw_rows
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.training.run import train
from tests.data.outbrain.made import random_tables, write
from tests.logs import ADS, PLATFORMS, make_log, make_values

Raw = dict[str, Any]
LOOKUP = {"ads.csv": "ad", "makers.parquet": "item_maker", "spots.csv": ["page", "platform"]}
"""By a role's column, by what another table gives, by two fields."""


@dataclass(frozen=True)
class Sided:
    """A bundle with side tables, and its log.

    Attributes:
        told: the fields that its tables tell, by the log's names.
    """

    folder: Path
    bundle: Bundle
    dataset: Dataset
    told: frozenset[str]

    @property
    def path(self) -> Path:
        return self.bundle.path

    def rows(self, count: int = 60) -> list[Raw]:
        """Return the last impressions of the log, with all their fields."""
        return list(raw_rows(self.dataset.impressions().collect().tail(count), self.dataset.schema))

    def by_ids(self, row: Raw) -> Raw:
        """Return what is left of a row where the tables tell the rest."""
        return {name: value for name, value in row.items() if name not in self.told}


def sided(folder: Path, bundle: Bundle, dataset: Dataset) -> Sided:
    told = {name for side in bundle.sides for way in side.form.ways for name in way.gives.values()}
    return Sided(folder, bundle, dataset, frozenset(map(bundle.schema.input_name, told)))


def make_tables(seed: int) -> dict[str, pl.DataFrame]:
    """Return side tables in no order of their keys: some keys are lacking, some values blank."""
    rng = np.random.default_rng(seed)
    ads = rng.permutation(np.arange(ADS))[: ADS - 3]

    def some(values: list[Any], share: float = 0.15) -> list[Any]:
        blank = rng.random(len(values)) < share
        return [None if b else v for v, b in zip(values, blank, strict=True)]

    topics = ["|".join(f"t{n}" for n in rng.choice(9, rng.integers(1, 5))) for _ in ads]
    return {
        "ads.csv": pl.DataFrame(
            {
                "ad": ads + 100,
                "advertiser": some([f"firm é{ad % 7}" for ad in ads]),
                "item_maker": some((ads % 5 + 10).tolist()),
                "fee": some(rng.normal(size=len(ads)).tolist()),
                "adult": some((ads % 3 == 0).tolist()),
                "topics": some(topics),
                "unread": ads,
            }
        ),
        "makers.parquet": pl.DataFrame(
            {
                "item_maker": [14, 10, 12, 13],
                "maker_land": ["dk", None, "se", "dk"],
                "founded": [1_900, 1_950, None, 1_999],
                "numbers": [[3, 1, 2], [], None, [5]],
            }
        ),
        "spots.csv": pl.DataFrame(
            [
                {"page": page, "platform": platform, "spot": int(rng.integers(4))}
                for page in range(6, 0, -1)
                for platform in PLATFORMS
                if rng.random() < 0.9
            ]
        ),
    }


def train_sided(folder: Path, seed: int = 1, lookup: object = LOOKUP) -> Sided:
    """Train a bundle on a random log with three side tables."""
    folder.mkdir(parents=True, exist_ok=True)
    log = make_log(seed, requests=300)
    pages = pl.Series(np.random.default_rng(seed).integers(1, 8, 300).repeat(5))
    log.with_columns(page=pages).write_csv(folder / "log.csv")
    for name, table in make_tables(seed).items():
        write_to = table.write_csv if name.endswith(".csv") else table.write_parquet
        write_to(folder / name)
    values = make_values(folder, epochs=1)
    keys = {"ads.csv": "ad", "makers.parquet": "item_maker", "spots.csv": ["page", "platform"]}
    joins = [{"file": str(folder / name), "on": on} for name, on in keys.items()]
    values["data"] |= {"joins": joins, "lists": {"topics": {"separator": "|"}}}
    values["features"] = [
        {"kind": "categorical", "fields": ["item", "advertiser", "adult", "maker_land", "spot"]},
        {"kind": "numeric", "fields": ["fee", "founded", "price"], "relative": ["rank"]},
        {"kind": "bag", "field": "topics", "length": 2},
        {"kind": "bag", "field": "numbers", "length": 3},
        {"kind": "counter", "key": "advertiser"},
        {"kind": "counter", "key": ["user", "maker_land"]},
        {"kind": "sequence", "field": "advertiser", "length": 3},
    ]
    values["serving"] |= {"lookup": lookup, "max_impressions": 500}
    config = parse_config(values, "test")
    train(config, folder / "bundle", baselines=False)
    return sided(folder, load_bundle(folder / "bundle"), open_dataset(config.data))


def train_documents(folder: Path) -> Sided:
    """Train the preset ``outbrain`` on a random log in the competition's layout."""
    data = write(folder / "log", random_tables(300))
    settings = ["training.epochs=1", f"data.cache={folder / 'cache'}", "training.least_steps=5"]
    config = load_config("outbrain", data, settings)
    train(config, folder / "bundle", baselines=False)
    return sided(folder, load_bundle(folder / "bundle"), open_dataset(config.data))
