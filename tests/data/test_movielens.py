"""The files of older releases of MovieLens, written anew."""

from pathlib import Path

import pytest

from clickthrough.data.movielens import is_ratings, is_tabbed, rewritten
from clickthrough.errors import DataError

FLAGS = "|".join(str(int(place in (5, 18))) for place in range(19))


def made(path: Path, content: str, encoding: str = "latin-1") -> str | None:
    """Return what a file becomes; None where it is taken as it is."""
    path.write_bytes(content.encode(encoding))
    found = rewritten(path, lambda: path.parent)
    return None if found == path else found.read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_movies_divided_by_colons_become_a_table(encoding: str, tmp_path: Path) -> None:
    text = '1::L\u00e9on: "The" Professional, (1994)::Crime|Drama\r\n2::Up::Comedy\n'
    assert made(tmp_path / "any", text, encoding) == (
        "movieId,title,genres\n"
        '1,"L\u00e9on: ""The"" Professional, (1994)",Crime|Drama\n2,Up,Comedy\n'
    )


def test_flags_become_genres(tmp_path: Path) -> None:
    none = "|".join("0" * 19)
    text = f"1|L\u00e9on (1994)|01-Jan-1994||http://x|{FLAGS}\n2|Odd||||{none}\n"
    assert made(tmp_path / "any", text) == (
        "movieId\ttitle\tgenres\n1\tL\u00e9on (1994)\tComedy|Western\n2\tOdd\t(no genres listed)\n"
    )


def test_a_line_that_is_cut_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ratings\.dat: row 2 has 2 fields, expected 4"):
        made(tmp_path / "ratings.dat", "1::2::3::978300760\n1::2\n")


@pytest.mark.parametrize(
    "text", ["", "user,item\n1,2\n", "1\t2\t3\t881250949\n", "a::b::c\n", "1|2|3\n", "\x00\xff"]
)
def test_other_files_are_taken_as_they_are(text: str, tmp_path: Path) -> None:
    assert made(tmp_path / "any", text) is None


def test_ratings_are_told_in_every_form() -> None:
    assert is_tabbed(b"196\t242\t3\t881250949\r\n")
    assert not is_tabbed(b"196\t242\t3\n")
    for line in (b"1::1193::5::978300760\n", b"1::1193::4.5::978300760", b"1\t2\t3\t4\n"):
        assert is_ratings(line)
    assert is_ratings(b"userId,movieId,rating,timestamp\r\n")
    assert not is_ratings(b"1,2,3,4\n")
