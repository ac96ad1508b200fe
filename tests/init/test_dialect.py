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
    ("columns", "everywhere", "within"),
    [
        ({"a": ["NULL", "x"], "b": ["1", "\\N"]}, ["NULL", "\\N"], {}),
        ({"a": ["NA", "DE"], "b": ["1", "2"]}, [], {}),  # Namibia
        ({"a": ["NA", "DE"], "b": ["1", "NA"]}, [], {"b": ["NA"]}),
        ({"a": ["?", "1.352,5"]}, [], {"a": ["?"]}),
        ({"a": ["-", "2024-03-04"]}, [], {"a": ["-"]}),
        ({"a": ["None", "10%"]}, [], {}),
        ({"a": ["-", None]}, [], {}),  # of nothing else
    ],
)
def test_a_marker_is_one_by_itself_or_beside_numbers(
    columns: dict[str, list[str]], everywhere: list[str], within: dict[str, list[str]]
) -> None:
    found = told_missing(pl.DataFrame(columns))
    assert (found["missing"][0] if "missing" in found else []) == everywhere
    assert (found["missing_in"][0] if "missing_in" in found else {}) == within


MANY = [f"{100 + 7 * row},{100 + 3 * row}" for row in range(100)]


@pytest.mark.parametrize(
    ("columns", "style"),
    [
        ({"a": ["1", "2.5"]}, {}),
        ({"a": ["0,71", "1,5"]}, {"decimal": ",", "numbers": ["a"]}),
        ({"a": ["0,71"], "b": ["1.352"]}, {"decimal": ",", "numbers": ["a"]}),  # a fraction
        (
            {"a": ["0,71", "1"], "b": ["1.352", "97"]},
            {"decimal": ",", "thousands": ".", "numbers": ["a", "b"]},
        ),
        ({"a": ["0,71"], "b": ["1.35"]}, {"decimal": ",", "numbers": ["a"]}),
        ({"a": ["1,352", "97"]}, {"thousands": ",", "numbers": ["a"]}),
        ({"a": ["1.352", "97", "64.001"]}, {"thousands": ".", "numbers": ["a"]}),
        ({"a": ["1,352", "1352"]}, {}),
        ({"a": ["1.352.000,5"]}, {"decimal": ",", "thousands": ".", "numbers": ["a"]}),
        ({"a": ["1 352,5", "7"]}, {"decimal": ",", "thousands": " ", "numbers": ["a"]}),
        ({"a": ["1'352.5", "7"]}, {"thousands": "'", "numbers": ["a"]}),
        ({"a": ["1\u2019352.5", "7"]}, {"thousands": "'", "numbers": ["a"]}),
        ({"a": ["3,17", "3,17,5"]}, {}),  # lists
        ({"a": ["108", *MANY]}, {}),  # of ids of three digits
        ({"a": ["108,114,108,125", "100"]}, {}),
        ({"ip": ["192.168.162.235"] * 9}, {}),
        ({"a": ["192.168.162.235"] * 9}, {}),
        ({"a": ["1.101.300", "1.200.300"]}, {}),
        (
            {"lat": ["48.074", "47.125"], "bid": ["0,074", "1,2"]},
            {"decimal": ",", "numbers": ["bid"]},
        ),
        ({"a": ["04.03.2024"]}, {}),
        ({"a": ["10.0.0.1"]}, {}),
        ({"a": [None, None]}, {}),
    ],
)
def test_the_signs_of_numbers_are_told(
    columns: dict[str, list[str]], style: dict[str, object]
) -> None:
    longest = max(map(len, columns.values()))
    rows = pl.DataFrame(
        {name: [*own, *[None] * (longest - len(own))] for name, own in columns.items()},
        schema=dict.fromkeys(columns, pl.String),
    )
    assert {name: value for name, (value, _) in told_numbers(rows).items()} == style


def test_what_could_be_read_in_two_ways_is_told_so() -> None:
    def why(texts: list[str], separator: str) -> str:
        found = told_numbers(pl.DataFrame({"a": texts}), separator)
        return str(found["numbers"][1]) if found else ""

    assert "thousands if these are large" in why(["1,352", "4,050"], ";")
    assert "a fraction of three digits if these are small" in why(["1,352", "4,050"], ",")
    assert "or lists, if these are no numbers" in why(["4,7", "5,3"], ";")
    assert why(["0,7", "12,35"], ";") == "a holds numbers such as 0,7"
