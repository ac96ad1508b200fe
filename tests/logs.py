"""A synthetic log whose truth is known, for tests."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from clickthrough.config import Config
from clickthrough.config.load import parse_config

START = datetime(2024, 1, 1, tzinfo=UTC)
ADS, USERS = 40, 150
PLATFORMS = ("mobile", "desktop", "tablet")


def make_log(seed: int = 1, requests: int = 1_200, size: int = 5, days: int = 10) -> pl.DataFrame:
    """Return impressions sorted by time: ads, a platform and a price that change the click rate.

    The columns have their owner's names, and some platforms and prices are blank.
    """
    rng = np.random.default_rng(seed)
    rows = requests * size
    seconds = np.sort(rng.choice(days * 86_400, requests, replace=False))
    ad_effect = np.random.default_rng(0).normal(0.0, 1.2, ADS)
    ads = rng.permuted(np.tile(np.arange(ADS), (requests, 1)), axis=1)[:, :size].ravel()
    platform = np.repeat(rng.integers(0, len(PLATFORMS), requests), size)
    price = rng.gamma(2.0, 1.0, rows)
    logit = -1.3 + ad_effect[ads] + np.array([0.6, 0.0, -0.6])[platform] - 0.3 * price
    clicked = rng.random(rows) < 1 / (1 + np.exp(-logit))
    blank = np.repeat(rng.random(requests) < 0.1, size)
    times = [(START + timedelta(seconds=int(s))).isoformat() for s in seconds]
    names = np.array(PLATFORMS)[platform].tolist()
    users = rng.integers(0, USERS, requests)
    return pl.DataFrame(
        {
            "display_id": np.repeat(1_000 + np.arange(requests), size),
            "ts": [time for time in times for _ in range(size)],
            "uuid": [f"u{user}" for user in users for _ in range(size)],
            "ad": ads + 100,
            "platform": [None if b else n for b, n in zip(blank, names, strict=True)],
            "price": [None if r < 0.05 else round(p, 3) for r, p in zip(rng.random(rows), price)],  # noqa: B905
            "clicked": clicked.astype(np.int64),
        }
    )


def make_advertisers() -> pl.DataFrame:
    """Return the side table: the advertiser of each ad."""
    ads = np.arange(ADS)
    return pl.DataFrame({"ad": ads + 100, "advertiser": [f"firm {ad % 7}" for ad in ads]})


def make_values(folder: Path, log: str = "log.csv", **training: object) -> dict[str, Any]:
    """Return a configuration for a log in a folder, as a YAML file would say it."""
    return {
        "data": {
            "reader": "tabular",
            "path": str(folder / log),
            "cache": str(folder / "cache"),
            "timezone": "Europe/Copenhagen",
            "roles": {
                "label": "clicked",
                "request_id": "display_id",
                "time": "ts",
                "user": "uuid",
                "item": "ad",
            },
            "joins": [{"file": str(folder / "advertisers.csv"), "on": "ad"}],
            "split": {"validation": 0.2, "test": 0.2},
        },
        "counters": {"tick": "10m"},
        "features": [
            {"kind": "categorical", "fields": ["item", "platform", "advertiser"]},
            {"kind": "time"},
            {"kind": "numeric", "fields": "price", "relative": ["rank", "difference"]},
            {"kind": "request_size"},
            {"kind": "age", "key": "item", "relative": ["rank"]},
            {
                "kind": "counter",
                "key": "item",
                "half_lives": ["1h", "2d"],
                "relative": ["rank", "difference"],
            },
            {"kind": "counter", "key": "user", "half_lives": ["1d"]},
            {"kind": "counter", "key": ["user", "item"], "values": ["impressions", "clicks"]},
        ],
        "model": {"hidden": [16], "embedding_dim": 4, "dropout": 0.0},
        "training": {"epochs": 3, "batch_size": 128, "learning_rate": 0.01, **training},
        "serving": {
            "max_body_bytes": 100_000,
            "max_events_bytes": 100_000,
            "max_impressions": 50,
            "max_in_flight": 2,
        },
    }


def make_config(folder: Path, log: str = "log.csv", **training: object) -> Config:
    """Return the checked configuration for a log in a folder."""
    return parse_config(make_values(folder, log, **training), "test")


def write_log(folder: Path, log: pl.DataFrame, name: str = "log.csv") -> Path:
    """Write a log and its side table; return the log's path."""
    folder.mkdir(parents=True, exist_ok=True)
    log.write_csv(folder / name)
    make_advertisers().write_csv(folder / "advertisers.csv")
    return folder / name


def raw_rows(log: pl.DataFrame) -> list[dict[str, Any]]:
    """Return impressions as a caller sends them: the owner's names, no label."""
    joined = log.join(make_advertisers(), on="ad", how="left", maintain_order="left")
    return joined.drop("clicked").to_dicts()
