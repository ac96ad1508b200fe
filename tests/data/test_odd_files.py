"""Files of another make: all that read a CSV refuse them in the same words, or none does."""

import gzip
import zipfile
from collections.abc import Callable
from hashlib import sha512
from pathlib import Path

import pytest

from clickthrough.data.impressions import read_impressions
from clickthrough.data.unpack import unpacking
from clickthrough.errors import DataError
from clickthrough.init.sample import read_sample
from tests.data.test_tabular import HEADER, ROWS, opened

TEXT = f"{HEADER}\n{ROWS}"
LONG = "x" * 200_000
NOISE = b"".join(sha512(b"%d" % place).digest() for place in range(80))


def sampled(path: Path) -> int:
    return len(read_sample(path).rows)


def trained_on(path: Path) -> int:
    return opened(path.parent, path=path).report.impressions


def scored(path: Path) -> int:
    schema = opened(path.parent, path=_good(path.parent)).schema
    with unpacking(path.parent / "cache") as plain:
        found = read_impressions(path, schema, [*schema.fields], None, plain)
        return len(found.together([]))


def _good(folder: Path) -> Path:
    (folder / "good.csv").write_text(TEXT)
    return folder / "good.csv"


READERS = pytest.mark.parametrize("read", [sampled, trained_on, scored])


@READERS
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (TEXT.replace("\n", "\r").encode(), "lines end with a carriage return alone"),
        (NOISE, "row 1: not UTF-8"),
        (f"{HEADER}\n".encode() + NOISE, "row 2: not UTF-8"),
        (TEXT.replace("bob", "jos\xe9").encode() + b"\xe9", "row 5: not UTF-8"),
        (TEXT.replace("place", LONG).encode(), r"row 1: not readable as CSV: field larger"),
        (TEXT.replace("place", "pl\race").encode(), "row 1: not readable as CSV: new-line"),
        (TEXT.replace("top", '"top').encode(), "row 2: .*a quote is never closed"),
        (TEXT.replace("side", "side,\ra").encode(), "row 3: not readable as CSV: new-line"),
        (TEXT.replace("2.5,1", "2.5,1,1").encode(), "row 4 has 8 fields, expected 7"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_refused_in_a_line(
    read: Callable[[Path], int], content: bytes, says: str, tmp_path: Path
) -> None:
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(DataError, match=rf"log\.csv: {says}") as caught:
        read(tmp_path / "log.csv")
    assert "\n" not in str(caught.value)


@READERS
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_what_shows_its_encoding_is_read(
    read: Callable[[Path], int], encoding: str, tmp_path: Path
) -> None:
    (tmp_path / "log.csv").write_bytes(TEXT.replace("bob", "jos\xe9").encode(encoding))
    assert read(tmp_path / "log.csv") == 3


@READERS
@pytest.mark.parametrize("place", [LONG, "to\rp", '"to\rp"', "to\0p"])
def test_an_odd_cell_is_read(read: Callable[[Path], int], place: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(TEXT.replace("top", place), newline="")
    assert read(tmp_path / "log.csv") == 3


@READERS
def test_a_name_with_brackets_is_one_file(read: Callable[[Path], int], tmp_path: Path) -> None:
    path = tmp_path / "log [1]*.csv"
    path.write_text(TEXT)
    assert read(path) == 3


@pytest.mark.parametrize("read", [sampled, trained_on])
@pytest.mark.parametrize("name", ["log.zip", "log.gz", "log.csv.gz"])
@pytest.mark.parametrize(
    ("content", "found"), [(b"PAR1\x15\x04\x15\x80PAR1", "Parquet"), (b"BZh91AY&SY", "bzip2")]
)
def test_what_is_not_read_in_an_archive_is_called_what_it_is(
    name: str, content: bytes, found: str, read: Callable[[Path], int], tmp_path: Path
) -> None:
    path = tmp_path / name
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("log.parquet", content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: is {found} in an archive, which is not read; unpack it"
