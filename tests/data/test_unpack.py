import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from clickthrough.data.unpack import inner_name, opened_plain, plain_file, unpacking
from clickthrough.errors import DataError

CONTENT = b"".join(b"%d,%d\n" % (number, number**2) for number in range(50_000))


def as_gz(folder: Path) -> Path:
    path = folder / "log.csv.gz"
    path.write_bytes(gzip.compress(CONTENT))
    return path


def as_zip(folder: Path, names: tuple[str, ...] = ("log.csv",)) -> Path:
    path = folder / "log.csv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, b"" if name.endswith("/") else CONTENT)
    return path


Maker = Callable[[Path], Path]
both = pytest.mark.parametrize("make", [as_gz, as_zip])


@both
def test_a_compressed_file_is_made_plain_and_removed_afterwards(
    make: Maker, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    with unpacking(cache) as plain:
        found = plain(make(tmp_path))
        assert found.read_bytes() == CONTENT
        assert found.suffix == ".csv"
        assert found.is_relative_to(cache)
    assert list(cache.iterdir()) == []


@both
def test_what_was_decompressed_is_removed_when_reading_fails(make: Maker, tmp_path: Path) -> None:
    def fail() -> None:
        with unpacking(tmp_path / "cache") as plain:
            assert plain(make(tmp_path)).exists()
            raise DataError("no")

    with pytest.raises(DataError):
        fail()
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_plain_file_stays_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(CONTENT)
    with unpacking(tmp_path / "cache") as plain:
        assert plain(path) == path
    assert not (tmp_path / "cache").exists()


def test_files_of_the_same_name_do_not_meet(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first, second = as_gz(tmp_path), tmp_path / "other/log.csv.gz"
    second.write_bytes(gzip.compress(b"other"))
    with unpacking(tmp_path / "cache") as plain:
        assert [plain(first).stat().st_size, plain(second).stat().st_size] == [len(CONTENT), 5]


@both
@pytest.mark.parametrize("keep", [0.3, 0.99])
def test_a_cut_file_is_refused_naming_it(make: Maker, keep: float, tmp_path: Path) -> None:
    path = make(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(DataError, match=r"log\.csv\.(gz|zip): cut or damaged"):
        plain_file(path, tmp_path)


@both
def test_a_damaged_file_is_refused_naming_it(make: Maker, tmp_path: Path) -> None:
    path = make(tmp_path)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(DataError, match=r"log\.csv\.(gz|zip): cut or damaged"):
        plain_file(path, tmp_path)


@pytest.mark.parametrize("name", ["log.csv.gz", "log.csv.zip"])
def test_a_file_that_only_claims_to_be_compressed_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(CONTENT)
    with pytest.raises(DataError, match=rf"{name}: cut or damaged"):
        plain_file(tmp_path / name, tmp_path)


@pytest.mark.parametrize("names", [("a.csv", "b.csv"), ()])
def test_a_zip_must_hold_one_file(names: tuple[str, ...], tmp_path: Path) -> None:
    path = as_zip(tmp_path, names)
    with pytest.raises(DataError, match=rf"expected one file in it, found {len(names)}"):
        plain_file(path, tmp_path)


@pytest.mark.parametrize(
    "extra", ["__MACOSX/._log.csv", "__MACOSX/logs/._log.csv", ".DS_Store", "logs/.DS_Store"]
)
def test_folders_and_the_extras_of_macos_are_no_files(extra: str, tmp_path: Path) -> None:
    path = as_zip(tmp_path, ("logs/", "logs/log.csv", extra))
    assert plain_file(path, tmp_path).read_bytes() == CONTENT


def test_a_member_cannot_leave_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    assert plain_file(as_zip(tmp_path, ("../../escaped.csv",)), folder).parent == folder
    assert not list(tmp_path.rglob("escaped*"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.zip"):
        plain_file(tmp_path / "absent.zip", tmp_path)


@pytest.mark.parametrize("make", [as_gz, as_zip, lambda folder: folder / "log.csv"])
def test_the_first_bytes_of_any_file_can_be_read(make: Maker, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(CONTENT)
    with opened_plain(make(tmp_path)) as source:
        assert source.read(4) == b"0,0\n"


def test_the_inner_name_tells_the_format() -> None:
    names = ["log.csv", "log.csv.gz", "log.parquet.ZIP"]
    assert [inner_name(Path(name)) for name in names] == ["log.csv", "log.csv", "log.parquet"]
