"""How a CSV is written is told from its first lines, and what is plain is left so."""

from typing import Any

import polars as pl
import pytest

from clickthrough.data.form import TableForm
from clickthrough.init.dialect import told_encoding, told_form
from clickthrough.init.written import told_missing, told_numbers

ROWS = "".join(f"2024-03-0{1 + day},7,{day}.5,feed\n" for day in range(8))
HEADER = "time,user,bid,slot\n"


def told(text: str) -> dict[str, Any]:
    content = text.encode()
    found = told_form(content[:1000], {}, [content[1000:]])
    plain, form = TableForm(), found.form
    return {name: getattr(form, name) for name in vars(form)
            if getattr(form, name) != getattr(plain, name)}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ROWS,
        "#" + HEADER + ROWS,  # a header may begin so
        HEADER + ROWS.replace("feed", "# 1"),
        HEADER + ROWS.replace("2024-03-01", "#ff0000").replace("2024-03-02", "//cdn.x/a.png"),
        HEADER + ROWS * 40 + ROWS.replace("2024", "#2024"),
        HEADER + ROWS.replace("feed", "driver's"),
        HEADER + ROWS.replace("feed", "'90s, y'all").replace("'90s, y'all", "\"'90s, y'all\""),
        HEADER + ROWS.replace("feed", "C:\\ads\\"),
        HEADER + ROWS.replace("feed", '"C:\\ads\\"'),
        HEADER + ROWS.replace(",7", ", 7"),  # one column alone
        HEADER + ROWS + "\n\n",
        HEADER + ROWS.replace("feed\n", "feed,more\n", 1),
    ],
)
def test_what_is_plain_is_left_so(text: str) -> None:
    assert told(text) == {}


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("Report\n\n" + HEADER + ROWS, {"skip": 2}),
        (
            ("sep=;," + HEADER + ROWS).replace(",", ";").replace("sep=;;", "sep=;\n"),
            {"skip": 1, "separator": ";"},
        ),
        ("# all of March\n" + HEADER + ROWS, {"comment": "#"}),
        ("// all\n" + HEADER + ROWS + "// end\n", {"comment": "//"}),
        ("Report\n# of March\n" + HEADER + ROWS, {"comment": "#", "skip": 1}),
        ("Report,,,\n,,,\n" + HEADER + ROWS, {"skip": 2}),
        (HEADER + ROWS * 40 + "# 320 rows\n", {"comment": "#"}),
        (HEADER + ROWS * 40 + "# 320 rows", {"comment": "#"}),
        ("# all\n" + HEADER + ROWS.replace("feed", '5" high') + "# day\n", {"comment": "#"}),
        (HEADER + ROWS * 40 + ROWS.replace("feed", "'feed, left'"), {"quote": "'"}),
        (HEADER + ROWS * 40 + ROWS.replace("feed", '"the \\"top\\", left"'), {"escape": True}),
        ((HEADER + ROWS).replace(",", ", "), {"trim": True}),
        ((HEADER + ROWS).replace(",", " | "), {"trim": True, "separator": "|"}),
        ((HEADER + ROWS).replace("feed", "'feed, left'"), {"quote": "'"}),
        (HEADER + ROWS + ROWS.replace("feed", "'driver''s'"), {"quote": "'"}),
        (HEADER + ROWS.replace("feed", "'driver\\'s'"), {"quote": "'", "escape": True}),
        ((HEADER + ROWS).replace("feed", '"the \\"top\\", left"'), {"escape": True}),
        ((HEADER + ROWS).replace(",", "\x01"), {"separator": "\x01"}),
    ],
)
def test_what_is_not_plain_is_told(text: str, settings: dict[str, Any]) -> None:
    assert told(text) == settings


def test_a_damaged_sign_is_no_other_encoding() -> None:
    damaged, western = "Åre\n".encode() * 20 + b"\xe9\n", "Åre\n".encode("cp1252")
    assert told_encoding(damaged, [damaged]) == {}
    assert told_encoding(western, [western])["encoding"][0] == "cp1252"


def test_lines_that_are_utf8_by_chance_do_not_speak_for_it() -> None:
    chinese = "1,\u5973\n1,\u7537\n".encode("gb18030") * 20
    assert told_encoding(chinese, [chinese])["encoding"][0] == "gb18030"
    mixed = "1,\u5973\n".encode() * 20 + "1,\u7537\n".encode("gb18030") * 20
    assert told_encoding(mixed, [mixed]) == {}


@pytest.mark.parametrize(
    ("columns", "marks"),
    [
        ({"a": ["NULL", "x"], "b": ["1", "\\N"]}, ["NULL", "\\N"]),
        ({"a": ["NA", "DE"], "b": ["1", "2"]}, []),  # Namibia
        ({"a": ["NA", "DE"], "b": ["1", "NA"]}, ["NA"]),
        ({"a": ["?", "1.352,5"]}, ["?"]),
        ({"a": ["-", "2024-03-04"]}, ["-"]),
        ({"a": ["None", "10%"]}, []),
        ({"a": ["-", None]}, []),  # of nothing else
    ],
)
def test_a_marker_is_one_by_itself_or_beside_numbers(
    columns: dict[str, list[str]], marks: list[str]
) -> None:
    found = told_missing(pl.DataFrame(columns))
    assert (found["missing"][0] if found else []) == marks


@pytest.mark.parametrize(
    ("columns", "style"),
    [
        ({"a": ["1", "2.5"]}, {}),
        ({"a": ["0,71", "1,5"]}, {"decimal": ","}),
        ({"a": ["0,71"], "b": ["1.352"]}, {"decimal": ",", "thousands": "."}),
        ({"a": ["0,71"], "b": ["1.35"]}, {"decimal": ","}),
        ({"a": ["1,352", "97"]}, {"thousands": ","}),
        ({"a": ["1,352", "97"], "b": ["0,5", "1"]}, {"decimal": ","}),
        ({"a": ["1.352.000,5"]}, {"decimal": ",", "thousands": "."}),
        ({"a": ["1 352,5", "7"]}, {"decimal": ",", "thousands": " "}),
        ({"a": ["1'352.5", "7"]}, {"thousands": "'"}),
        ({"a": ["3,17", "3,17,5"]}, {}),  # lists
        ({"a": ["04.03.2024"]}, {}),
        ({"a": ["10.0.0.1"]}, {}),
        ({"a": [None, None]}, {}),
    ],
)
def test_the_signs_of_numbers_are_told(
    columns: dict[str, list[str]], style: dict[str, str]
) -> None:
    rows = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    assert {name: value for name, (value, _) in told_numbers(rows).items()} == style
