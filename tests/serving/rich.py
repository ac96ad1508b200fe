"""A bundle with every kind of feature: bags, sequences, matches, hashes and windows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.config.load import parse_config
from clickthrough.data.dataset import Dataset
from clickthrough.data.open import open_dataset
from clickthrough.training.run import train
from tests.logs import make_advertisers, make_log, make_values, write_log


def make_rich_log() -> pl.DataFrame:
    """Return the synthetic log with topics of each ad, their shares and a list of numbers.

    An impression is clicked more often where its ad has the topic that its user likes, so that
    the last clicks of a user say something.
    """
    log = make_log(seed=4, requests=800)
    rng = np.random.default_rng(8)
    ads, users = log["ad"].to_numpy(), log["uuid"].str.slice(1).cast(pl.Int64).to_numpy()
    liked = (ads % 6 == users % 6) | (ads % 5 == users % 5)
    clicked = np.where(liked & (rng.random(log.height) < 0.6), 1, log["clicked"].to_numpy())
    blank = rng.random((3, log.height)) < 0.1
    topics = [None if b else f"six{ad % 6}|five{ad % 5}" for ad, b in zip(ads, blank[0])]  # noqa: B905
    first = rng.integers(1, 10, log.height)
    shares = [None if b else f"0.{n}|{1 - n / 10:.1f}" for n, b in zip(first, blank[1])]  # noqa: B905
    numbers = [None if b else " ".join(map(str, range(n % 4))) for n, b in zip(first, blank[2])]  # noqa: B905
    return log.with_columns(
        clicked=clicked,
        topics=pl.Series(topics, dtype=pl.String),
        shares=pl.Series(shares, dtype=pl.String),
        numbers=pl.Series(numbers, dtype=pl.String),
    )


@dataclass(frozen=True)
class Trained:
    folder: Path
    bundle: Bundle
    dataset: Dataset
    log: pl.DataFrame


def train_rich(
    folder: Path, log: pl.DataFrame | None = None, calibration: dict[str, object] | None = None
) -> Trained:
    """Train a bundle with every kind of feature on that log, or on one that has its columns."""
    log = make_rich_log() if log is None else log
    write_log(folder, log)
    values = make_values(folder) | {"calibration": calibration or {}}
    values["data"]["lists"] = {
        "topics": {"separator": "|"},
        "shares": {"separator": "|", "of": "float"},
        "numbers": {"of": "int"},
    }
    values["counters"] = {"tick": "10m", "label_delay": "20m"}
    values["features"] = [
        {"kind": "categorical", "fields": ["item", "platform"]},
        {"kind": "hashed", "fields": ["user", "advertiser"], "buckets": 32},
        {"kind": "bag", "field": "topics", "weights": "shares", "length": 2},
        {"kind": "bag", "field": "numbers", "length": 3},
        {"kind": "sequence", "length": 5},
        {"kind": "sequence", "field": "advertiser", "length": 3},
        {"kind": "match", "fields": ["item", "advertiser"], "relative": ["rank", "difference"]},
        {
            "kind": "counter",
            "key": "item",
            "windows": ["1h", "1d"],
            "half_lives": ["6h"],
            "relative": ["rank"],
        },
        {"kind": "counter", "key": ["user", "advertiser"], "windows": ["2d"], "all_time": False},
        {"kind": "age", "key": "user"},
        {"kind": "numeric", "fields": "price"},
        {"kind": "time"},
        {"kind": "request_size"},
    ]
    config = parse_config(values, "test")
    train(config, folder / "bundle", baselines=False)
    return Trained(folder, load_bundle(folder / "bundle"), open_dataset(config.data), log)


def as_divided(log: pl.DataFrame) -> pl.DataFrame:
    """Return rows of the log with its lists as lists, and the advertiser of each ad."""
    return log.with_columns(
        pl.col("topics").str.split("|"),
        pl.col("shares").str.split("|").cast(pl.List(pl.Float64)),
        pl.col("numbers").str.split(" ").list.eval(pl.element().cast(pl.Int64, strict=False)),
    ).join(make_advertisers(), on="ad", how="left", maintain_order="left")
