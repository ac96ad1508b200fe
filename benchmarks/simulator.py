"""The simulated log beside the real one: marginals, skews, difficulty, speed.

    python benchmarks/simulator.py --impressions 300000 2000000 --reference DIR

DIR holds ``outbrain_statistics.json`` (published marginals), ``outbrain_ranking/clicks.csv`` (a
random sample of complete real displays) and ``outbrain/promoted_content.csv.zip``; figures of the
real log are read or computed from there. Skews are compared at equal sample size: as many random
simulated displays as there are real ones. Rates are smoothed with weight 20, as of 10-minute
ticks; MAP@12 takes ties at random.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from clickthrough.config.features import Counters
from clickthrough.features.columns import KeySet
from clickthrough.features.history.log_files import EventFilter
from clickthrough.features.history.stage import HistoryStage

DAY_MS, SMOOTHING = 86_400_000, 20
LEVELS = {"ad": "ad_id", "document": "document_id", "campaign": "campaign_id",
          "advertiser": "advertiser_id"}  # fmt: skip
TOPS = (1, 10, 100, 1_000, 10_000)
console = Console(width=120)


def map_at_12(clicked: NDArray[Any], score: NDArray[Any], display: NDArray[Any]) -> float:
    """Return the mean over displays of 1 / the clicked ad's rank, 0 after the twelfth."""
    chance = np.random.default_rng(0).random(len(score))
    order = np.lexsort((chance, -score, display))
    starts = np.flatnonzero(np.diff(display[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order)))) + 1
    gain = np.where(rank <= 12, clicked[order] / rank, 0.0)
    return float(gain.sum() / len(starts))


def read_log(folder: Path) -> pl.DataFrame:
    """Join the train rows of a simulated log with their ads, events and truth."""
    rows = pl.scan_csv(folder / "clicks_train.csv")
    events = pl.scan_csv(folder / "events.csv", schema_overrides={"platform": pl.String})
    joined = (
        rows.join(pl.scan_csv(folder / "promoted_content.csv"), on="ad_id", maintain_order="left")
        .join(events.select("display_id", "timestamp"), on="display_id", maintain_order="left")
        .join(
            pl.scan_parquet(folder / "truth" / "truth.parquet"),
            on=["display_id", "ad_id"],
            maintain_order="left",
        )
    )
    return joined.with_row_index("row").cast({"row": pl.Int64}).collect()


def scores(log: pl.DataFrame, first: int, folder: Path) -> dict[str, NDArray[np.float64]]:
    """Return what ranks the rows from ``first`` on: rates live and frozen, truth, oracle."""
    path = folder / f"rows-{first}-{len(log)}.parquet"
    rows = log.select("row", *LEVELS.values(), time=pl.col("timestamp") * 1_000, label="clicked")
    rows.write_parquet(path)
    prior = float(log["clicked"][:first].mean())  # type: ignore[arg-type]
    key_sets = tuple(KeySet((field,)) for field in LEVELS.values())
    made: dict[str, NDArray[np.float64]] = {}
    for name, events in (("live", None), ("frozen", EventFilter("row", first))):
        stage = HistoryStage(
            folder / f"history-{first}-{len(log)}", path, Counters(), events=events
        )
        for level, key_set, frame in zip(
            LEVELS, key_sets, stage.columns(key_sets, ()), strict=True
        ):
            shown, clicks = frame.select(key_set.counts()).collect()[first:].to_numpy().T
            made[f"{level} rate, {name}"] = (clicks + SMOOTHING * prior) / (shown + SMOOTHING)
        rates = np.stack([made[f"{level} rate, {name}"] for level in LEVELS])
        made[f"sum of four rates, {name}"] = np.log(rates / (1 - rates)).sum(0)
    for name in ("observable", "utility"):
        made[name] = log[name][first:].to_numpy()
    return made


def difficulty(log: pl.DataFrame, maps: dict[str, dict[str, float]], folder: Path) -> None:
    """Add a column for the last 20 % of displays, and one for the last two train days."""
    displays = log["display_id"].unique(maintain_order=True)
    fifth = log["display_id"].search_sorted(displays[int(len(displays) * 0.8)])
    days = log["timestamp"].search_sorted(11 * DAY_MS)
    for part, first in (("last 20 %", fifth), ("last two days", days)):
        clicked, display = log["clicked"][first:].to_numpy(), log["display_id"][first:].to_numpy()
        column = {k: map_at_12(clicked, v, display) for k, v in scores(log, first, folder).items()}
        column["random"] = map_at_12(clicked, np.zeros(len(clicked)), display)
        maps[f"{len(log):,} rows, {part}"] = column


def as_table(maps: dict[str, dict[str, float]]) -> Table:
    """Lay out MAPs, a line for each way to rank."""
    table = Table("ranked by", *maps, title="MAP@12")
    for name in next(iter(maps.values())):
        table.add_row(name, *(f"{column[name]:.4f}" for column in maps.values()))
    return table


def skews(rows: pl.DataFrame, name: str, table: Table) -> None:
    """Add how many things there are of each kind, and the share of the most shown."""
    for level, field in LEVELS.items():
        counts = np.sort(rows[field].value_counts()["count"].to_numpy())[::-1]
        shares = [f"{counts[:top].sum() / len(rows):.4f}" for top in TOPS]
        table.add_row(level, name, f"{len(rows):,}", f"{len(counts):,}", *shares)


def real_displays(reference: Path) -> pl.DataFrame:
    """Read the sample of complete real displays, with their ads."""
    packed = zipfile.ZipFile(reference / "outbrain" / "promoted_content.csv.zip")
    ads = pl.read_csv(packed.read("promoted_content.csv"))
    return pl.read_csv(reference / "outbrain_ranking" / "clicks.csv").join(ads, on="ad_id")


def sample(log: pl.DataFrame, displays: int) -> pl.DataFrame:
    """Return the rows of some random displays, in order of time."""
    kept = log["display_id"].unique(maintain_order=True).sample(displays, seed=0)
    rows = log.filter(pl.col("display_id").is_in(kept.implode())).drop("row")
    return rows.with_row_index("row").cast({"row": pl.Int64})


def marginals(folder: Path, log: pl.DataFrame, known: dict[str, Any]) -> Table:
    """Return simulated beside published marginals."""
    events = pl.read_csv(folder / "events.csv", schema_overrides={"platform": pl.String})
    test = events.filter(pl.col("display_id") > log["display_id"].max())
    views = pl.read_csv(folder / "page_views.csv", columns=["uuid"]).group_by("uuid").len()
    users = events.select("uuid").unique()
    sizes = log.group_by("display_id").len()["len"].value_counts(normalize=True)
    views_of = known["platform"]["page_views"]
    warm = known["users"]["event_users_with_other_page_views"]
    tested = known["displays"]["test"] / known["displays"]["train"]
    made: dict[str, tuple[Any, Any]] = {
        "click rate": (log["clicked"].mean(), known["ctr_train"]),
        "events per user": (len(events) / len(users), known["users"]["events_per_uuid"]),
        "users with other views": ((views["len"] > 1).sum() / len(users), warm),
        "test displays a train display": (len(test) / (len(events) - len(test)), tested),
        "test displays after day 12": ((test["timestamp"] >= 13 * DAY_MS).mean(), 0.5),
    }
    for code, count in views_of.items():
        share = (events["platform"] == code).mean()
        made[f"platform {code}"] = (share, count / sum(views_of.values()))
    country = events["geo_location"].str.slice(0, 2)
    for name, share in known["geo_first_1959_events"].items():
        made[f"country {name}"] = ((country == name).mean(), share)
    for size, share in known["displays"]["ads_per_display_share_measured"].items():
        made[f"displays of {size} ads"] = (sizes.filter(len=int(size))["proportion"].sum(), share)
    day = events["timestamp"] // DAY_MS
    for number in range(15):
        made[f"events of day {number} (even)"] = ((day == number).mean(), 1 / 15)
    table = Table("marginal", "simulated", "published", "ratio", title="marginals, " + folder.name)
    for marginal, (ours, theirs) in made.items():
        table.add_row(marginal, f"{ours:.4f}", f"{theirs:.4f}", f"{ours / theirs:.3f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--impressions", type=int, nargs="+", default=[300_000, 2_000_000])
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    known = json.loads((chosen.reference / "outbrain_statistics.json").read_text())
    real = real_displays(chosen.reference)
    displays = real["display_id"].n_unique()
    speed = Table("impressions", "seconds", "impressions/s", "peak GB so far", title="speed")
    maps: dict[str, dict[str, float]] = {}
    skew = Table("of", "log", "impressions", "distinct", *(f"top {top}" for top in TOPS),
                 title=f"skews of {displays:,} displays")  # fmt: skip
    skews(real, "real", skew)
    with tempfile.TemporaryDirectory() as place:
        for count in chosen.impressions:
            out, work = Path(place) / f"{count}", Path(place) / f"work-{count}"
            work.mkdir()
            start = time.perf_counter()
            command = [
                "simulate",
                str(out),
                "--impressions",
                str(count),
                "--seed",
                str(chosen.seed),
            ]
            run = "from clickthrough.cli import main; main()"
            subprocess.run([sys.executable, "-c", run, *command], check=True)  # noqa: S603
            seconds = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
            speed.add_row(f"{count:,}", f"{seconds:.1f}", f"{count / seconds:,.0f}", f"{peak:.2f}")
            log = read_log(out)
            console.print(marginals(out, log, known))
            difficulty(log, maps, work)
            some = sample(log, displays)
            difficulty(some, maps, work)
            skews(some, f"{count:,}", skew)
    for table in (skew, as_table(maps), speed):
        console.print(table)


if __name__ == "__main__":
    main()
