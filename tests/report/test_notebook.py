"""Figures in a notebook are those of the report, with a style that holds inside them alone."""

import re

from clickthrough.bundle import Bundle
from clickthrough.report import quality
from clickthrough.report.charts import Axes, Line, legend, lines
from clickthrough.report.notebook import Shown, shown
from clickthrough.report.page import page, sections_of
from clickthrough.report.parts import Figure, Section, Table
from tests.report.conftest import LATENCY


def html_of(made: Shown) -> str:
    return made._repr_html_()


def test_a_section_is_shown_as_the_report_shows_it(examined: Bundle) -> None:
    section = quality.curves(examined.metrics["test"])
    body = html_of(shown(section)).partition("</style>")[2].removesuffix("</div>").strip()
    assert body.count("<svg") > len(section.figures)  # charts, and marks of their legends
    assert body in page(examined, sections_of(examined, LATENCY))


def test_figures_come_with_legend_text_and_table() -> None:
    series = [Line("one", [[0.0, 1.0], [1.0, 2.0]]), Line("two", [[0.0, 2.0], [1.0, 1.0]])]
    drawn = lines(series, Axes("x", "y"), "both")
    figure = Figure("both", drawn, legend(series), "a note", Table(["x", "y"], [["0", "1"]]))
    html = html_of(shown([figure]))
    for part in (drawn, legend(series), "a note", '<th scope="row">0</th>', "<details>"):
        assert part in html


def test_what_is_shown_cannot_become_markup() -> None:
    html = html_of(shown(Section("", "", ["<b>wild</b>"], [Figure("<script>")])))
    assert "<script>" not in html
    assert "&lt;b&gt;wild&lt;/b&gt;" in html


def test_light_and_dark_hold_inside_and_nowhere_else() -> None:
    style = re.findall(r"<style>(.*?)</style>", html_of(shown([])), re.DOTALL)
    (text,) = style
    assert text.startswith(".clickthrough { & { --page:")
    assert "@media (prefers-color-scheme: dark) {\n  & { --page:" in text
    outside = re.sub(r"\{(?:[^{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})*\}", "", text)
    outside = re.sub(r"/\*.*?\*/", "", outside)
    assert all(line.strip().startswith(".clickthrough") for line in outside.split("\n") if line)


def test_a_notebook_keeps_the_html_once() -> None:
    assert "html" not in repr(shown([]))
