"""Bytes that are not UTF-8: an encoding is named where it shows, and none where it does not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.data.encoding import (
    encoding_of,
    encoding_of_file,
    find_bytes,
    guessed,
    is_utf8,
    refuse_bytes_in,
)
from clickthrough.errors import DataError

HEADER = "display,time,clicked\n"


def said_of(line: bytes, row: int = 1) -> str:
    with pytest.raises(DataError, match=f"^log.csv: row {row}: ") as caught:
        refuse_bytes_in(line, row, "log.csv")
    return str(caught.value)


@pytest.mark.parametrize("header", [HEADER, "\u663e\u793a,id\n", "é,b\n"])
@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16le"),
        ("utf-16-be", "utf-16be"),
        ("utf-32", "utf-32"),
        ("utf-32-le", "utf-32le"),
        ("utf-32-be", "utf-32be"),
    ],
)
def test_signs_of_two_or_four_bytes_are_named(header: str, encoding: str, named: str) -> None:
    line, end, _ = header.encode(encoding).partition(b"\n")  # as a file's lines are divided
    said = said_of(line + end)
    assert f"expected UTF-8, found {named.upper()};" in said
    assert f"iconv -f {named} -t utf-8" in said


NAMED = {
    "cp1252": "jos\xe9,Malm\xf6,S\xe3o Paulo",
    "gb18030": "\u5317\u4eac,\u4e0a\u6d77,\u6df1\u5733\u5e02",
    "cp1251": "\u041c\u043e\u0441\u043a\u0432\u0430,\u041d\u043e\u0432\u043e\u0441\u0442\u0438",
    "cp932": "\u30b9\u30dd\u30fc\u30c4,\u6771\u4eac,\u30cb\u30e5\u30fc\u30b9",
    "cp949": "\uc11c\uc6b8,\ubd80\uc0b0,\ub274\uc2a4",
    "koi8_r": "\u041c\u043e\u0441\u043a\u0432\u0430,\u041d\u043e\u0432\u043e\u0441\u0442\u0438",
}


@pytest.mark.parametrize("encoding", NAMED)
def test_the_encoding_that_the_text_speaks_for_is_named(encoding: str, tmp_path: Path) -> None:
    content = "".join(f"1,{word},a\n" * 9 for word in NAMED[encoding].split(",")).encode(encoding)
    assert guessed(content) == encoding
    (tmp_path / "log.csv").write_bytes(b"n,word,a\n" + content)
    said = f"'data.encoding: {encoding}', or init --encoding {encoding}"
    with pytest.raises(DataError, match=rf"row 2: .*say so with {said}$"):
        find_bytes(tmp_path / "log.csv", "log.csv")


def test_what_is_cut_within_a_sign_is_utf_8() -> None:
    assert is_utf8("a,\u5317".encode()[:-1])
    assert not is_utf8(b"a,\xff,b")


@pytest.mark.parametrize(
    ("content", "said", "found"),
    [
        ("a,b\n".encode("utf-16"), None, "utf-16"),
        (b"a,b\n", None, "utf-8"),
        (b"a,b\n", "cp1252", "cp1252"),  # letters beyond ASCII may come later
        ("a,\xe9\n".encode(), "cp1252", "utf-8"),
        ("a,\xe9\n".encode("cp1252"), "cp1252", "cp1252"),
        (b"a,b\n", "utf-16", "utf-8"),
        ("a,\u5973\n".encode("gb18030"), "gb18030", "gb18030"),  # two bytes, UTF-8 by chance
        ("a,\u5973\n".encode(), "gb18030", "utf-8"),
        ("a,\xe9\n".encode(), "gb18030", "gb18030"),  # may be either
        ("a,\xe9,\n".encode() + b"b,\xe9\n", "cp1252", "cp1252"),
        ("a,b\n".encode("utf-16-le"), "cp1252", "utf-16le"),
        ("a\x01b\n".encode("utf-16-be"), None, "utf-16be"),  # as Hive divides cells
    ],
)
def test_what_shows_in_the_bytes_holds_before_what_is_said(
    content: bytes, said: str | None, found: str
) -> None:
    assert encoding_of(content, said) == found


def test_all_of_a_file_is_looked_at(tmp_path: Path) -> None:
    path, plain = tmp_path / "log.csv", b"a,b\n" * 300_000
    for letters, found in (("a,\xe9\n".encode(), "utf-8"), (b"a,\xe9\n", "cp1252")):
        path.write_bytes(plain + letters)
        with path.open("rb") as file:
            assert encoding_of_file(file, "cp1252") == found


def test_what_is_no_text_gets_no_encoding() -> None:
    said = said_of(bytes(reversed(range(256))), 3)
    assert "does not look like text" in said
    assert "iconv" not in said


@pytest.mark.parametrize("line", [b"", b"\n", b"\0\n", b"a\0b,clicked,place\n", b"\xef\xbb\xbfa\n"])
def test_utf8_is_let_pass_with_a_mark_or_a_stray_nul(line: bytes) -> None:
    refuse_bytes_in(line, 1, "log.csv")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_text_in_utf8_is_let_pass(text: str) -> None:
    refuse_bytes_in(text.encode(), 1, "log.csv")
