"""A small made-up log with known truth, for the demo.

Ads are born, have a quality and a topic, and wear out; users have tastes for topics; hours and
platforms matter a little. Each impression is clicked by chance, with the probability that
``truth.parquet`` holds apart from the log.
"""

from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_START = datetime(2026, 3, 2)
_DAYS = 10
_DAY = 86_400
_TOPICS, _PLATFORMS = 8, ("desktop", "mobile", "tablet")
_MEAN_CANDIDATES = 5


@dataclass(frozen=True)
class World:
    """The hidden causes of clicks."""

    quality: Floats
    topic: Ints
    advertiser: Ints
    born: Floats
    taste: Floats


def write_log(folder: Path, impressions: int = 200_000, seed: int = 7) -> Path:
    """Write a log, its side table, its truth and a configuration.

    Args:
        folder: gets ``log.csv``, ``ads.csv``, ``truth.parquet`` and ``config.yaml``.
        impressions: about how many.
        seed: of all chance.

    Returns:
        The path of the configuration.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    requests = impressions // _MEAN_CANDIDATES
    world = _world(rng, ads=requests // 100 + 50, users=requests // 8 + 20)
    log = _impressions(rng, world, requests)
    log.drop("probability").write_csv(folder / "log.csv")
    log.select("display_id", "ad_id", "probability").write_parquet(folder / "truth.parquet")
    _ads(world).write_csv(folder / "ads.csv")
    config = folder / "config.yaml"
    config.write_text((resources.files("clickthrough.presets") / "synthetic.yaml").read_text())
    return config


def _world(rng: np.random.Generator, ads: int, users: int) -> World:
    advertiser = rng.integers(0, ads // 8 + 1, ads)
    reputation = rng.normal(0, 0.5, advertiser.max() + 1)
    return World(
        quality=reputation[advertiser] + rng.normal(0, 0.6, ads),
        topic=rng.integers(0, _TOPICS, ads),
        advertiser=advertiser,
        born=rng.uniform(-4 * _DAY, _DAYS * _DAY, ads),
        taste=rng.normal(0, 0.9, (users, _TOPICS)),
    )


def _impressions(rng: np.random.Generator, world: World, requests: int) -> pl.DataFrame:
    time = np.sort(rng.uniform(0, _DAYS * _DAY, requests))
    hour = time / 3_600 % 24
    user = _zipf(rng, len(world.taste), requests)
    platform = rng.choice(len(_PLATFORMS), requests, p=[0.4, 0.5, 0.1])
    size = rng.integers(2, 2 * _MEAN_CANDIDATES - 1, requests)
    request = np.repeat(np.arange(requests), size)
    ad = _alive(rng, world, time[request])
    age = time[request] - world.born[ad]
    score = (
        -2.2
        + world.quality[ad]
        + world.taste[user[request], world.topic[ad]]
        + np.array([0.0, 0.25, -0.15])[platform[request]]
        + 0.3 * np.sin((hour[request] - 14) / 24 * 2 * np.pi)
        - 0.6 * np.maximum(age, 0) / (3 * _DAY)
    )
    probability = 1 / (1 + np.exp(-score))
    names = np.array(["" if name == "tablet" else name for name in _PLATFORMS])
    frame = pl.DataFrame(
        {
            "display_id": request + 1,
            "time": np.datetime64(_START, "us") + time[request].astype("timedelta64[s]"),
            "uuid": [f"u{number:06d}" for number in user[request]],
            "platform": names[platform[request]],
            "ad_id": ad + 1,
            "clicked": (rng.random(len(request)) < probability).astype(np.int8),
            "probability": probability,
        }
    )
    frame = frame.unique(["display_id", "ad_id"], keep="first", maintain_order=True)
    return frame.with_columns(pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S"))


def _alive(rng: np.random.Generator, world: World, time: Floats) -> Ints:
    """Draw an ad for each impression among those born lately, the newest more often."""
    order = np.argsort(world.born)
    newest = np.searchsorted(world.born[order], time, side="right")
    back = rng.exponential(len(order) / 12, len(time)).astype(np.int64)
    drawn: Ints = order[np.maximum(newest - 1 - back, 0)]
    return drawn


def _zipf(rng: np.random.Generator, kinds: int, draws: int) -> Ints:
    weight = 1 / (np.arange(kinds) + 10.0)
    drawn: Ints = rng.choice(kinds, draws, p=weight / weight.sum())
    return drawn


def _ads(world: World) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ad_id": np.arange(len(world.quality)) + 1,
            "advertiser_id": world.advertiser + 1,
            "topic": [f"topic-{number}" for number in world.topic],
        }
    )
