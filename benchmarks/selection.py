"""What `clickthrough select` does with planted noise: what is kept, what is lost, what it takes.

    python benchmarks/selection.py                       # 30 junk declarations, ten seeds
    python benchmarks/selection.py --noise 1350 --seeds 1
    python benchmarks/selection.py --shuffled            # clicks that say nothing

Logs are those of `clickthrough simulate --kind plain`. Planted beside its features: numbers drawn
at random, a shuffled copy of a column, ids of a million values, keys of 20 to 20,000 values with
their counters, and a value drawn for each request.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from clickthrough.config.load import parse_config, yaml_value
from clickthrough.config.root import Config
from clickthrough.data.simulator.plain import write_log
from clickthrough.errors import ConfigError
from clickthrough.selection import Choice, Selection, select

KEYS = (20, 200, 2_000, 20_000)
TRUE = ("counter(item)", "counter(user+topic)", "counter(advertiser_id)")
"""What the world's clicks hang on most: an ad's quality, a user's taste for topics, reputation."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--impressions", type=int, default=100_000)
    parser.add_argument("--noise", type=int, default=18, help="numbers drawn at random")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--shuffled", action="store_true")
    given = parser.parse_args()
    for seed in range(given.first, given.first + given.seeds):
        with tempfile.TemporaryDirectory() as folder:
            config = planted(Path(folder), given.impressions, given.noise, seed, given.shuffled)
            report(seed, config)


def report(seed: int, config: Config) -> None:
    """Select, and say what became of what was planted."""
    began = time.perf_counter()
    try:
        made = select(config, None, Choice(deny=["request_size"]))
    except ConfigError as error:
        print(f"seed {seed}: {error}", flush=True)
        return
    seconds = time.perf_counter() - began
    junk = [one for one in made.decisions if is_planted(one.name)]
    kept = [one.name for one in junk if one.kept]
    lost = [name for name in TRUE if name not in made.kept]
    print(
        f"seed {seed}: {len(kept)} of {len(junk)} planted features kept {kept or ''}; true ones "
        f"lost: {lost or 'none'}; {len(made.kept)} stay of {len(made.decisions)}; {told(made)}; "
        f"{seconds:.0f} s",
        flush=True,
    )


def told(made: Selection) -> str:
    """Return what the chosen set retains."""
    curve = made.curve
    return f"AUC {curve.whole.auc:.4f} -> {curve.kept.auc:.4f}, retained {curve.retained:.1%}"


def is_planted(name: str) -> bool:
    """Say whether a feature was planted."""
    return "junk" in name


def planted(folder: Path, impressions: int, noise: int, seed: int, shuffled: bool) -> Config:
    """Write a log with planted columns, and return the configuration that declares them."""
    values = yaml_value(write_log(folder, impressions, seed).read_text(), "the preset")
    log, random = pl.read_csv(folder / "log.csv"), np.random.default_rng(seed)
    columns = drawn(log, noise, random)
    log = log.with_columns(**{name: pl.Series(own) for name, own in columns.items()})
    if shuffled:
        log = log.with_columns(pl.col("clicked").shuffle(seed=seed))
    values["features"] += declared(noise)
    return over(log, folder, values)


def over(log: pl.DataFrame, folder: Path, values: dict[str, Any]) -> Config:
    """Write a changed log, and return the configuration over it."""
    log.write_parquet(folder / "log.parquet")
    for place in ("path", "cache"):
        values["data"][place] = str(folder / {"path": "log.parquet", "cache": "cache"}[place])
    values["data"]["joins"][0]["file"] = str(folder / "ads.csv")
    return parse_config(values, "planted")


def drawn(log: pl.DataFrame, noise: int, random: np.random.Generator) -> dict[str, Any]:
    """Return the planted columns."""
    rows, requests = log.height, log["display_id"].rank("dense").to_numpy() - 1
    columns: dict[str, Any] = {f"junk_{n}": random.normal(size=rows) for n in range(noise)}
    columns |= {f"junk_key_{size}": random.integers(0, size, rows) for size in KEYS}
    columns["junk_id"] = random.integers(0, 1_000_000, rows)
    columns["junk_request"] = random.integers(0, 500, requests.max() + 1)[requests]
    columns["junk_copy"] = random.permutation(log["platform"].to_numpy())
    return columns


def declared(noise: int) -> list[dict[str, Any]]:
    """Return how they are declared: with counters, ages and standings in the request."""
    keys = [f"junk_key_{size}" for size in KEYS]
    relative = ["rank", "difference"] if noise < 100 else []
    numbers = [f"junk_{n}" for n in range(noise)]
    return [
        {"kind": "numeric", "fields": numbers, "relative": relative},
        {"kind": "categorical", "fields": ["junk_id", "junk_request", "junk_copy", *keys]},
        *(
            {"kind": "counter", "key": key, "half_lives": ["1d"], "relative": ["rank"]}
            for key in keys
        ),
        {"kind": "age", "key": keys[2], "relative": ["rank"]},
    ]


if __name__ == "__main__":
    main()
