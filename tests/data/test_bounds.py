"""How much a compressed file may unpack to."""

import gzip
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from clickthrough.data import bounds
from clickthrough.data.unpack import plain_file, unpacking
from clickthrough.errors import DataError

CONTENT = b"1,2024-01-01T00:00:00,u1,mobile\n" * 200_000


def as_gz(folder: Path) -> Path:
    path = folder / "log.csv.gz"
    path.write_bytes(gzip.compress(CONTENT))
    return path


def as_zip(folder: Path) -> Path:
    path = folder / "log.csv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.csv", CONTENT)
    return path


class Disk(NamedTuple):
    total: int
    used: int
    free: int


both = pytest.mark.parametrize("make", [as_gz, as_zip])
Maker = Callable[[Path], Path]


def refused(path: Path, cache: Path) -> str:
    """Unpack a file as a log is; return what is said, and look that nothing is left."""
    with pytest.raises(DataError) as told, unpacking(cache) as plain:
        plain(path)
    assert [*cache.iterdir()] == []
    assert "\n" not in str(told.value)
    return str(told.value)


@both
def test_a_file_that_unpacks_without_bound_is_refused(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "_LARGEST", 1 << 20)
    path = make(tmp_path)
    packed = path.stat().st_size
    assert len(CONTENT) > 200 * packed
    said = refused(path, tmp_path / "cache")
    assert said.startswith(f"{path}: {packed:,} bytes unpack to ")
    assert said.endswith("or more, expected at most 1,048,576, or 200 times as many; "
                         "unpack it and name the plain file")  # fmt: skip


@both
@pytest.mark.parametrize("name", ["_LARGEST", "_TIMES"])
def test_either_bound_is_enough(
    make: Maker, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file of any ratio is taken, and so is a large one that is packed as logs are."""
    monkeypatch.setattr(bounds, "_LARGEST", 1)
    monkeypatch.setattr(bounds, "_TIMES", 1)
    monkeypatch.setattr(bounds, name, len(CONTENT))
    assert plain_file(make(tmp_path), tmp_path).stat().st_size == len(CONTENT)


@both
def test_what_there_is_no_room_for_is_refused_with_some_left(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, total = make(tmp_path), 10_000_000
    most = 0

    def usage(folder: Path) -> Disk:
        nonlocal most
        written = sum(one.stat().st_size for one in Path(folder).iterdir())
        most = max(most, written)
        return Disk(total, 0, 5_000_000 - written)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    said = refused(path, tmp_path / "cache")
    assert said.startswith(f"{path}: unpacks to ")
    assert "has room for 4,500,000; unpack it elsewhere" in said  # a twentieth stays free
    assert most <= (0 if make is as_zip else 4_500_000)  # a zip says it before the work


def test_a_large_disk_keeps_a_quarter_of_a_gigabyte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(1 << 40, 0, (1 << 28) + 1_000))
    assert "has room for 1,000;" in refused(as_zip(tmp_path), tmp_path / "cache")


def test_a_zip_that_lies_about_its_size_does_not_grow_beyond_it(tmp_path: Path) -> None:
    path = as_zip(tmp_path)
    whole = bytearray(path.read_bytes())
    place = whole.index(b"PK\x01\x02")
    for size in (place + 24, whole.index(b"PK\x03\x04") + 22):
        whole[size : size + 4] = (1_000).to_bytes(4, "little")
    path.write_bytes(whole)
    assert "cut or damaged" in refused(path, tmp_path / "cache")
