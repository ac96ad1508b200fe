"""Files whose lines are odd, written anew: the cells stay what they were."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.data.form import TableForm
from clickthrough.data.rewriting import lines_above, rewritten_lines
from clickthrough.data.scan import first_row_of, scan
from clickthrough.data.unpack import unpacking
from clickthrough.errors import DataError

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=6)


def rewritten(content: bytes, form: TableForm, encoding: str = "utf-8") -> list[list[str]]:
    lines = rewritten_lines(io.BytesIO(content), encoding, form, "log.csv")
    return [*csv.reader([*lines], delimiter=form.separator)]


@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5),
    separator=st.sampled_from([",", ";", "\t", "|", "\x01"]),
    quote=st.sampled_from(['"', "'"]),
    escape=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-32", "gb18030"]),
    above=st.sampled_from(["", "Report\n", "# of March\nReport\n\n"]),
)
def test_cells_are_what_they_were(
    rows: list[list[str]], separator: str, quote: str, escape: bool, encoding: str, above: str
) -> None:
    def written(cell: str) -> str:
        doubled = cell.replace("\\", "\\\\").replace(quote, f"\\{quote}") if escape else (
            cell.replace(quote, quote * 2))  # fmt: skip
        return f"{quote}{doubled}{quote}"

    text = above + "".join(separator.join(map(written, row)) + "\n" for row in rows)
    form = TableForm(separator, quote=quote, escape=escape, comment="# ",
                     skip=sum(not line.startswith("#") for line in above.splitlines()))  # fmt: skip
    assert rewritten(text.encode(encoding), form, encoding) == rows
    found = lines_above(io.BytesIO(text.encode(encoding)), encoding, form, "log.csv")
    assert found == len(above.splitlines())


@given(
    rows=st.lists(st.lists(CELLS.map(str.strip), min_size=2, max_size=2), min_size=1, max_size=5),
    blanks=st.sampled_from([" ", "  ", "\t"]),
)
def test_blanks_around_cells_are_left_out(rows: list[list[str]], blanks: str) -> None:
    def written(cell: str) -> str:
        quoted = '"{}"'.format(cell.replace('"', '""'))
        return f"{blanks if blanks != chr(9) else ''}{quoted}{blanks}"

    text = "".join(";".join(map(written, row)) + "\n" for row in rows)
    assert rewritten(text.encode(), TableForm(";", trim=True)) == [
        [cell.strip("\u00a0\u202f\u2009 \t") for cell in row] for row in rows
    ]


def test_a_comment_within_a_quoted_cell_is_none() -> None:
    text = b'a,b\n# no\n1,"x\n# yes\ny"\n'
    assert rewritten(text, TableForm(comment="#")) == [["a", "b"], ["1", "x\n# yes\ny"]]


def test_a_sign_for_inches_hides_no_comment() -> None:
    text = b'# no\na,b\n1,5" high\n# no\n2,x\n'
    assert rewritten(text, TableForm(comment="#")) == [["a", "b"], ["1", '5" high'], ["2", "x"]]


@pytest.mark.parametrize("form", [TableForm(trim=True), TableForm(skip=1), TableForm(comment="#")])
def test_a_quote_that_is_never_closed_swallows_no_rows(form: TableForm) -> None:
    text = b'# title\na, b\n1,"x\n2,y\n3,z\n'
    said = "log.csv: row 3: unexpected end of data; a quote is never closed, or the file is cut"
    with pytest.raises(DataError, match=f"^{said}$"):
        rewritten(text, form)


@pytest.mark.parametrize("form", [TableForm(trim=True), TableForm(quote="'"), TableForm(skip=1)])
def test_cells_may_be_long(form: TableForm, tmp_path: Path) -> None:
    path, long = tmp_path / "log.csv", "x" * 200_000
    path.write_text(f"title,\na,b\n1,{form.quote}{long}{form.quote}\n")
    with unpacking(tmp_path / "cache") as plain:
        assert long in scan(path, form, plain).collect().rows()[-1]


@pytest.mark.parametrize(
    ("above", "refused"),
    [
        ("title\nexported\n", False),
        ("title,,\n,,\n", False),
        ("user,item,click\n\n", False),  # a header is replaced by other names
        ("u1,3,0\nu2,4,1\n", True),
        ("title\nu2,4,1\n", True),
    ],
)
def test_no_row_is_left_out_as_a_title(above: str, refused: bool, tmp_path: Path) -> None:
    path, form = tmp_path / "log.csv", TableForm(skip=2, columns=("u", "i", "c"))
    path.write_text(above + "".join(f"u{row % 7},{row},{row % 2}\n" for row in range(30)))
    with unpacking(tmp_path / "cache") as plain:
        if refused:
            with pytest.raises(DataError, match=r"log\.csv: row [12] has 3 fields.*'data.skip: 2'"):
                scan(path, form, plain)
        else:
            assert len(scan(path, form, plain).collect()) == 30


def test_rows_are_numbered_as_in_the_file(tmp_path: Path) -> None:
    path, form = tmp_path / "log.csv", TableForm(skip=1, comment="#", types={"b": "int"})
    path.write_text("# of March\nReport\na,b\n1,2\n3,x\n")
    assert first_row_of(path, form) == 4
    with (
        unpacking(tmp_path / "cache") as plain,
        pytest.raises(DataError, match=r"row 5, column 'b': expected a whole number .* found 'x'"),
    ):
        scan(path, form, plain)


def test_bytes_of_another_encoding_are_named_with_their_row(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 5_000 + b"1,\x81\n")
    with (
        unpacking(tmp_path / "cache") as plain,
        pytest.raises(DataError, match=r"log\.csv: row 5002: not CP1252: .*; see 'data.encoding'"),
    ):
        scan(path, TableForm(encoding="cp1252"), plain)


def test_what_was_written_anew_is_removed(tmp_path: Path) -> None:
    path, cache = tmp_path / "log.csv", tmp_path / "cache"
    path.write_text("a, b\n1, 2\n")
    with unpacking(cache) as plain:
        form = TableForm(trim=True)
        assert scan(path, form, plain).collect().rows() == [(1, 2)]
        assert plain(path, form) == plain(path, form) != plain(path, TableForm())
    assert [*cache.iterdir()] == []
