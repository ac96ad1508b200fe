"""Charts: well-formed, escaped, and told without colours."""

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from clickthrough.report.charts import HEIGHT, WIDTH, Axes, Bar, Line, bars, legend, lines

NAMES = st.text(max_size=40)
NUMBERS = st.floats(-1e4, 1e4, allow_subnormal=False)
PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8)


def parsed(svg: str) -> ElementTree.Element:
    clean = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", svg)
    return ElementTree.fromstring(clean)  # noqa: S314 - our own


@given(st.lists(st.tuples(NAMES, PAIRS), min_size=1, max_size=7), st.booleans())
def test_lines_stay_in_their_picture(
    series: list[tuple[str, list[tuple[float, float]]]], d: bool
) -> None:
    made = [Line(name, points, dots=d) for name, points in series]
    root = parsed(lines(made, Axes("x <&>", "y", diagonal=True), "a title"))
    assert root.attrib["aria-label"] == "a title"
    for path in root.iter("path"):
        if path.attrib["class"].startswith("line"):
            for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.attrib["d"]):
                assert 0 <= float(x) <= WIDTH
                assert 0 <= float(y) <= HEIGHT


@given(st.lists(st.tuples(NAMES, NUMBERS), min_size=1, max_size=20))
def test_bars_have_a_row_each(rows: list[tuple[str, float]]) -> None:
    root = parsed(bars([Bar(n, v, v - 1, v + 1) for n, v in rows], "x", "t"))
    assert len([e for e in root.iter("rect") if e.attrib["class"].startswith("bar")]) == len(rows)
    assert all(float(e.attrib["width"]) > 0 for e in root.iter("rect"))


def test_names_are_text_whatever_they_are() -> None:
    wild = '<script>alert(1)</script>"&'
    for svg in (
        bars([Bar(wild, 1.0)], wild, wild),
        lines([Line(wild, [(0, 1), (1, 2)])], Axes(wild, wild), wild),
        legend([Line(wild, [])]),
    ):
        assert "<script" not in svg


def test_series_are_told_apart_without_their_colours() -> None:
    series = [Line(str(place), [(0, place), (1, place)], dots=True) for place in range(6)]
    root = parsed(lines(series, Axes("x", "y"), "t"))
    drawn = [p for p in root.iter("path") if p.attrib["class"].startswith("line")]
    assert len({path.attrib.get("stroke-dasharray", "") for path in drawn}) == 6


def test_long_names_are_shortened_in_their_middle() -> None:
    names = ["counter(advertiser_id+platform)", "counter(advertiser_id+country)"]
    root = parsed(bars([Bar(name, 1.0) for name in names], "x", "t"))
    shown = [text.text for text in root.iter("text") if text.attrib["class"] == "name"]
    assert len({*shown}) == 2
    assert all(text is not None and len(text) <= 23 and "…" in text for text in shown)
