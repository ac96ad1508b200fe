"""Bytes that are not UTF-8: an encoding is named where it shows, and none where it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.data.encoding import refuse_bytes_in
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


def test_western_letters_may_be_latin1() -> None:
    assert "if it is latin1, with iconv -f latin1" in said_of("1,jos\xe9,a\n".encode("latin1"), 7)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("1,\u5317\u4eac,a\n", "gbk"),
        ("1,\u043c\u0438\u0440,a\n", "cp1251"),
        ("1,\u6771\u4eac,a\n", "shift_jis"),
    ],
)
def test_another_encoding_is_not_called_latin1(text: str, encoding: str) -> None:
    said = said_of(text.encode(encoding), 2)
    assert "iconv -f ENCODING -t utf-8" in said
    assert "latin1" not in said


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
