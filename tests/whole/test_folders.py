"""Folders, label texts and side tables go through every verb as the one plain file does."""

import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from clickthrough.bundle import load_bundle
from clickthrough.bundle.log import log_of
from clickthrough.config.load import load_config
from clickthrough.init.run import init
from clickthrough.training.evaluating.evaluate import evaluate_bundle
from clickthrough.training.run import train
from tests.whole.logs import plain
from tests.whole.verbs import SMALL, predicted, replayed

pytestmark = pytest.mark.slow


def scores(log: Path, asked: Path, folder: Path) -> list[float]:
    """Take a log to a bundle, find its own log again, and score a file."""
    init(log, folder / "config.yaml")
    bundle = folder / "bundle"
    train(load_config(folder / "config.yaml", settings=[*SMALL]), bundle, baselines=False)
    dataset = log_of(load_bundle(bundle))
    evaluate_bundle(load_bundle(bundle), dataset, "live", baselines=False)
    replayed(bundle, dataset)
    return predicted(bundle, asked, folder)


def cut(folder: Path, write: Callable[[pl.DataFrame, Path], object], *names: str) -> None:
    """Write the plain log in pieces."""
    size = 200 // len(names)
    for place, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(plain()[place * size : place * size + size], path)
        (path.parent / "_SUCCESS").touch()


def zipped(rows: pl.DataFrame, path: Path) -> None:
    path.write_bytes(gzip.compress(rows.write_csv().encode()))


CSV, PARQUET = pl.DataFrame.write_csv, pl.DataFrame.write_parquet
PARTS = [f"part-{n:05d}-3f2a90aa-11bb-4e3a-abcd-0123456789ab-c000.snappy.parquet" for n in range(4)]
FOLDERS: dict[str, Callable[[Path], None]] = {
    "days": lambda at: cut(at, CSV, "2024-03-04.csv", "2024-03-05.csv"),
    "part files": lambda at: cut(at, PARQUET, *PARTS),
    "hive": lambda at: cut(at, PARQUET, "dt=2024-03-04/part-0.parquet", "dt=2024-03-05/a.parquet"),
    "packed": lambda at: cut(at, zipped, "a.csv.gz", "b.csv.gz"),
    "a folder named as a file": lambda at: cut(at, PARQUET, "part-0.parquet"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_the_log_of_its_files(name: str, tmp_path: Path) -> None:
    asked, folder = tmp_path / "log.csv", tmp_path / "log.parquet"
    plain().write_csv(asked)
    (tmp_path / "one").mkdir()
    FOLDERS[name](folder)
    assert scores(folder, asked, tmp_path) == scores(asked, asked, tmp_path / "one")


@pytest.mark.parametrize("label", ["label:float", "rating:float"])
@pytest.mark.parametrize("separators", ["\t\t\t", "\t|,"])
def test_a_folder_of_recbole_goes_through_every_verb(
    separators: str, label: str, tmp_path: Path
) -> None:
    log = plain()
    liked = log["click"] * 2 + 1 + pl.Series(range(200)) % 3 if "rating" in label else log["click"]
    rows = pl.DataFrame(
        {
            "user_id:token": log["user_id"],
            "item_id:token": log["item_id"],
            label: liked.cast(pl.Float64),
            "timestamp:float": log["time"].dt.epoch("s").cast(pl.Float64),
        }
    )
    user, item = pl.col("user_id:token"), pl.col("item_id:token")
    users = rows.select(user.unique(maintain_order=True)).with_columns(
        (user * 3).alias("age:float")
    )
    items = rows.select(item.unique(maintain_order=True)).with_columns(
        (item % 4).cast(pl.String).alias("genre:token")
    )
    folder = tmp_path / "ml"
    folder.mkdir()
    for frame, suffix, sign in zip((rows, users, items), ("inter", "user", "item"), separators,
                                   strict=True):  # fmt: skip
        frame.write_csv(folder / f"ml.{suffix}", separator=sign)
    found = scores(folder, folder / "ml.inter", tmp_path)
    assert len(found) == 200
    text = (tmp_path / "config.yaml").read_text()
    assert text.count('separator: "') == 1 + (separators != "\t\t\t") * 2
    assert 'ml.item: "item_id:token"' in text
