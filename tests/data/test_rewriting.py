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
