"""What a first read takes of a disk: as it was foretold, and refused where there is less."""

import gzip
import shutil
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from clickthrough import dealt, parquet, room
from clickthrough.config.load import load_config
from clickthrough.data import convert
from clickthrough.data.form import TableForm
from clickthrough.data.open import open_dataset
from clickthrough.data.outbrain.room import conversion_bytes
from clickthrough.data.outbrain.tables import table_files
from clickthrough.data.room import parquet_bytes, plain_bytes, table_bytes
from clickthrough.data.simulator.plain import write_log
from clickthrough.data.simulator.simulate import simulate
from clickthrough.data.simulator.world import Settings
from clickthrough.data.slices import in_slices
from clickthrough.errors import DataError

WITHIN = (0.8, 3.0)
"""What is foretold, as a share of what is used."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain") / "log"
    write_log(folder, 150_000)
    return folder


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What lies in the folder of a conversion just before its scratch goes, once it was made."""
    sizes = list[int]()
    remove = shutil.rmtree

    def removed(folder: str | Path, **how: Any) -> None:  # noqa: ANN401
        if Path(folder).name == "scratch":
            files = [path for path in Path(folder).parent.rglob("*") if path.is_file()]
            sizes.append(sum(path.stat().st_size for path in files))
        remove(folder, **how)

    monkeypatch.setattr(shutil, "rmtree", removed)
    return sizes


def within(foretold: int, used: list[int]) -> bool:
    low, high = WITHIN
    return low * used[0] <= foretold <= high * used[0]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_tables(suffix: str, plain: Path, tmp_path: Path, used: list[int]) -> None:
    rows = pl.read_csv(plain / "log.csv")
    path = tmp_path / f"log{suffix}"
    write: dict[str, Callable[[Path], object]] = {
        ".csv": rows.write_csv,
        ".parquet": rows.write_parquet,
        ".jsonl": rows.write_ndjson,
    }
    write[suffix](path)
    config = load_config(plain / "config.yaml", [path], [f"data.cache={tmp_path / 'cache'}"])
    open_dataset(config.data)
    assert within(table_bytes([path], TableForm()), used)


def test_a_table_in_no_order(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It packs less well, and lies there a third time while it is dealt out."""
    pl.read_csv(plain / "log.csv").sample(fraction=1, shuffle=True, seed=3).write_csv(
        tmp_path / "log.csv"
    )
    most, cache, scan = [0], tmp_path / "cache", parquet.scan

    def scanned(path: Path) -> pl.LazyFrame:
        files = (file.stat().st_size for file in cache.rglob("*") if file.is_file())
        most[0] = max(most[0], sum(files))
        return scan(path)

    monkeypatch.setattr(dealt, "scan", scanned)
    monkeypatch.setattr(convert, "in_slices", partial(in_slices, most=20_000))
    config = load_config(plain / "config.yaml", [tmp_path / "log.csv"], [f"data.cache={cache}"])
    open_dataset(config.data)
    assert within(table_bytes([tmp_path / "log.csv"], TableForm()), most)


def test_tables_of_outbrain(tmp_path: Path, used: list[int]) -> None:
    log = simulate(tmp_path / "log", Settings(200_000))
    config = load_config("outbrain", [log], [f"data.cache={tmp_path / 'cache'}"])
    open_dataset(config.data)
    assert within(conversion_bytes(table_files(log)), used)


def test_what_is_packed_counts_as_it_will_lie_there(tmp_path: Path) -> None:
    content = "\n".join(map(str, np.arange(100_000))).encode()
    (tmp_path / "log.csv").write_bytes(content)
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(tmp_path / "log.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.csv", content)
    for name in ("log.csv", "log.csv.gz", "log.csv.zip"):
        assert plain_bytes(tmp_path / name) == len(content)
    plain, packed = (table_bytes([tmp_path / n], TableForm()) for n in ("log.csv", "log.csv.gz"))
    assert packed - plain == pytest.approx(len(content), abs=1)
    written_anew = table_bytes([tmp_path / "log.csv"], TableForm(comment="#"))
    assert written_anew - plain == pytest.approx(len(content), abs=1)


def test_what_is_no_archive_is_told_by_whoever_reads_it(tmp_path: Path) -> None:
    (tmp_path / "log.csv.zip").write_bytes(b"no archive")
    (tmp_path / "log.csv.gz").write_bytes(b"")
    assert plain_bytes(tmp_path / "log.csv.zip") == 10
    assert plain_bytes(tmp_path / "log.csv.gz") == 0
    assert table_bytes([tmp_path / "absent.csv"], TableForm()) == 0
    assert parquet_bytes([tmp_path / "absent.parquet"]) == 0


def test_a_disk_that_is_too_small_is_left_as_it_was(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_LEAST", 0)
    monkeypatch.setattr(room, "free", lambda _: 1_000_000)
    cache = tmp_path / "cache"
    config = load_config(plain / "config.yaml", [plain / "log.csv"], [f"data.cache={cache}"])
    with pytest.raises(DataError, match=r"cache: needs about 4\.\d MB \(reading the log\)"):
        open_dataset(config.data)
    assert not cache.exists()
    monkeypatch.undo()
    made = open_dataset(config.data)
    monkeypatch.setattr(room, "free", lambda _: 0)
    assert open_dataset(config.data) == made  # it was read before, which takes nothing
