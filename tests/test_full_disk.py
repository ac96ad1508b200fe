"""A disk that is full, as a small file system has it: a line, and nothing half made."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import yaml

from clickthrough.bundle import load_bundle
from clickthrough.data.simulator.plain import write_log
from clickthrough.errors import DataError
from clickthrough.full_disk import full_disk_told, is_full
from tests.cli.process import run
from tests.logs import make_values, raw_rows

NO_SPACE = "No space left on device"


@dataclass(frozen=True)
class Disk:
    """A small file system."""

    place: Path

    def leave(self, kilobytes: int) -> None:
        """Fill it but for so much."""
        free = os.statvfs(self.place).f_bavail * os.statvfs(self.place).f_frsize
        with (self.place / "fill").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, free - kilobytes * 1024))

    def make_room(self) -> None:
        (self.place / "fill").unlink()

    def left(self) -> list[str]:
        """Return all that lies on it, what fills it left out."""
        found = (str(path.relative_to(self.place)) for path in self.place.rglob("*"))
        return sorted(name for name in found if name != "fill")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A file system of 8 MB, where one can be mounted."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if (
        sys.platform != "linux"
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("a small file system can be mounted by root on Linux alone")
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def folder(tmp_path: Path, log_folder: Path, log: pl.DataFrame) -> Path:
    """Where commands run: a configuration, rows to score, a compressed log."""
    values = make_values(log_folder, epochs=2)
    values["data"]["cache"] = str(tmp_path / "cache")
    values["training"]["checkpoint_every"] = "0s"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    rows = "".join(json.dumps(row) + "\n" for row in raw_rows(log))
    (tmp_path / "rows.jsonl").write_text(rows)
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress((log_folder / "log.csv").read_bytes()))
    return tmp_path


def told(done: "subprocess.CompletedProcess[str]", place: object) -> None:
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert str(place) in line


@pytest.mark.parametrize("kilobytes", [0, 12])
@pytest.mark.parametrize("name", ["p.csv", "p.jsonl", "p.csv.gz", "p.parquet"])
def test_predictions(
    name: str, kilobytes: int, disk: Disk, folder: Path, bundle_path: Path
) -> None:
    disk.leave(kilobytes)
    predict = ("-q", "predict", bundle_path, "rows.jsonl", "--out", disk.place / name)
    done = run(*predict, folder=folder)
    told(done, disk.place / name)
    assert disk.left() == []


@pytest.mark.parametrize(
    "verb",
    [
        ("report", "BUNDLE", "--out", "SMALL/made"),
        ("simulate", "SMALL/made", "--kind", "plain", "--impressions", "20000"),
        ("export", "BUNDLE", "--to", "onnx", "--no-example", "--out", "SMALL/made"),
        ("init", "log.csv.gz", "--out", "SMALL/made"),
        ("schema", "--out", "SMALL/made"),
    ],
    ids=lambda verb: verb[0],
)
def test_what_verbs_write(
    verb: tuple[str, ...], disk: Disk, folder: Path, bundle_path: Path
) -> None:
    given = [one.replace("BUNDLE", str(bundle_path)).replace("SMALL", str(disk.place))
             for one in verb]  # fmt: skip
    disk.leave(0)
    done = run("-q", *given, folder=folder)
    told(done, disk.place / "made")
    assert NO_SPACE in done.stderr
    assert [name for name in disk.left() if name != ".clickthrough"] == []
    disk.make_room()
    assert run("-q", *given, folder=folder).returncode == 0
    assert (disk.place / "made").exists()


def test_a_log_that_does_not_fit_is_not_begun(disk: Disk, tmp_path: Path) -> None:
    write_log(tmp_path / "log", 200_000)
    disk.leave(2_000)
    cache = disk.place / "cache"
    train = ("-q", "train", "log/config.yaml", "--out", "m", "--set", f"data.cache={cache}")
    done = run(*train, folder=tmp_path)
    told(done, cache)
    assert "(reading the log) of disk" in done.stderr
    assert disk.left() == []


@pytest.mark.stack
@pytest.mark.parametrize("kilobytes", [16, 80, 160, 240, 320, 400])
def test_the_cache_of_a_log(kilobytes: int, disk: Disk, folder: Path) -> None:
    """Whatever was computed stays, whole; the rest is computed as soon as there is room."""
    cache = disk.place / "cache"
    for _ in range(2):  # a second run finds what the first one left
        disk.leave(kilobytes)
        train = ("-q", "train", "config.yaml", "--no-baselines")
        done = run(*train, "--set", f"data.cache={cache}", folder=folder)
        if done.returncode:
            told(done, cache)
        disk.make_room()
    left = disk.left()
    assert not [name for name in left if "ing-" in name or "unpacked" in name]
    done = run(*train, "--out", "one", "--set", f"data.cache={cache}", folder=folder)
    assert done.returncode == 0, done.stderr
    assert run(*train, "--out", "two", folder=folder).returncode == 0
    versions = {load_bundle(folder / name).manifest.version for name in ("one", "two")}
    assert len(versions) == 1


@pytest.mark.stack
@pytest.mark.parametrize("kilobytes", [0, 20, 200])
def test_a_compressed_log(kilobytes: int, disk: Disk, folder: Path) -> None:
    disk.leave(kilobytes)
    asked = ("--data", "log.csv.gz", "--set", f"data.cache={disk.place / 'cache'}")
    done = run("-q", "train", "config.yaml", "--no-baselines", *asked, folder=folder)
    told(done, disk.place)
    assert disk.left() in ([], ["cache"])


@pytest.mark.stack
@pytest.mark.parametrize("kilobytes", [4, 100, 250])
def test_checkpoints_and_the_bundle(kilobytes: int, disk: Disk, folder: Path) -> None:
    disk.leave(kilobytes)
    train = ("-q", "train", "config.yaml", "--no-baselines", "--out", disk.place / "m")
    told(run(*train, folder=folder), disk.place)
    assert [name for name in disk.left() if not name.startswith(".m.training")] == []
    assert not [name for name in disk.left() if name.endswith("writing")]
    disk.make_room()
    again = run(*train, "--resume", folder=folder)
    assert again.returncode == 0, again.stderr
    load_bundle(disk.place / "m")


@pytest.mark.stack
@pytest.mark.parametrize("kilobytes", [0, 20])
@pytest.mark.parametrize(
    "verb",
    [
        ("select", "config.yaml", "--out"),
        ("compare", "config.yaml", "--models", "mlp", "--seeds", "1", "--out"),
        ("tune", "config.yaml", "--trials", "1", "--out"),
    ],
    ids=lambda verb: verb[0],
)
def test_directories_that_verbs_keep(
    verb: tuple[str, ...], kilobytes: int, disk: Disk, folder: Path
) -> None:
    disk.leave(kilobytes)
    told(run("-q", *verb, disk.place / "made", folder=folder), disk.place / "made")
    disk.make_room()
    done = run("-q", *verb, disk.place / "made", folder=folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.stack
def test_the_temporary_directory(disk: Disk, folder: Path) -> None:
    disk.leave(12)
    where = {"TMPDIR": str(disk.place)}
    train = ("-q", "train", "config.yaml", "--no-baselines")
    told(run(*train, folder=folder, environment=where), f"{disk.place} (TMPDIR)")
    assert not (folder / "models").exists()


def test_what_an_error_came_of_tells_too() -> None:
    try:
        try:
            raise OSError(28, NO_SPACE)
        except OSError as error:
            raise RuntimeError("a library's words") from error
    except RuntimeError as wrapped:
        assert is_full(wrapped)
    assert not is_full(RuntimeError("No space in this text"))


def test_what_was_told_of_a_place_within_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(DataError) as told, full_disk_told(tmp_path, "outer"):
        raise DataError(f"inner: cannot be written: {NO_SPACE}")
    assert str(told.value) == f"outer: cannot be written: {NO_SPACE}"
