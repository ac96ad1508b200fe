"""The page shows what the bundle keeps: whole, alone, small, and nobody's ids."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.errors import ClickthroughError
from clickthrough.evaluation.report import evaluation
from clickthrough.report.latency import measured
from clickthrough.report.page import page, sections_of
from clickthrough.report.quality import value_of
from clickthrough.report.write import write_report
from tests.cli.process import run
from tests.report.conftest import LATENCY

MOST_BYTES = 300_000
SECTIONS = [
    "comparison", "reliability", "curves", "slices", "against", "frozen", "importance", "data",
    "drift", "learning", "latency", "origin",
]  # fmt: skip


class Page(HTMLParser):
    """What a page holds: tags with attributes, and whether all that opens is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(html: str) -> Page:
    made = Page()
    made.feed(html)
    assert made.open == []
    return made


def test_all_sections_are_there_and_led_to(html: str) -> None:
    tags = parsed(html).tags
    assert [own["id"] for tag, own in tags if tag == "section"] == SECTIONS
    assert [own["href"] for tag, own in tags if tag == "a"] == [f"#{name}" for name in SECTIONS]


def test_it_needs_nothing_else(html: str) -> None:
    tags = parsed(html).tags
    assert not {tag for tag, _ in tags} & {"script", "img", "link", "iframe", "object", "form"}
    assert not [own for _, own in tags if {"src", "onclick", "onload"} & {*own}]
    assert not re.findall(r"https?://|url\(|@import", html)


def test_each_chart_has_its_table_or_shares_one(examined: Bundle) -> None:
    for section in sections_of(examined, LATENCY):
        charts = [figure for figure in section.figures if figure.chart is not None]
        tables = [figure for figure in section.figures if figure.table is not None]
        assert not charts or tables
        lacking = [figure.title for figure in charts if figure.table is None]
        assert lacking in ([], ["Size of its reasons"])  # a column of the table beside it


def test_figures_are_those_of_the_evaluation(examined: Bundle, html: str, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    run("evaluate", examined.path, "--json", path, folder=tmp_path)
    record = json.loads(path.read_text())
    for name, metrics in record["results"].items():
        found = re.search(rf'<th scope="row">{re.escape(name)}</th>(.*?)</tr>', html)
        assert found is not None
        cells = re.findall(r"<td>(.*?)</td>", found[1])
        assert cells[0] == f"{metrics['auc']:.4f}"
        assert f"{metrics['log_loss']:.4f}" in cells
        assert f"{metrics['calibration_ratio']:.3f}" in cells


def test_nobodys_ids_are_told(html: str, log: pl.DataFrame) -> None:
    words = set(re.findall(r"\w+", html))
    assert not {str(user) for user in log["uuid"].unique()} & words
    assert "mobile" in words
    assert re.search(r">#[0-9a-f]{6}<", html)  # an item, in a slice by item


@pytest.mark.parametrize(
    ("field", "hidden"),
    [("platform", False), ("day", False), ("advertiser_id", True), ("item", True), ("uuid", True)],
)
def test_values_that_name_somebody_are_digests(field: str, hidden: bool) -> None:
    assert (value_of(field, "17") != "17") is hidden
    assert value_of(field, "17") == value_of(field, "17") != value_of(field, "18")


def test_what_the_log_is_called_cannot_become_markup(examined: Bundle) -> None:
    wild = "<img src=x onerror=alert(1)>"
    metrics = json.loads(json.dumps(examined.metrics))
    metrics["log"]["notes"] = [wild]
    metrics["origin"]["command"] = wild
    metrics["test"]["slices"]["platform"][wild] = metrics["test"]["slices"]["platform"]["mobile"]
    metrics["examined"]["importance"][0]["feature"] = wild
    metrics["examined"]["drift"][0]["words"] = wild
    changed = replace(examined, metrics=metrics)
    html = page(changed, sections_of(changed, LATENCY))
    assert "<img" not in html
    assert "&lt;img" in html


def test_a_record_does_not_grow_with_the_test_part() -> None:
    sizes = []
    for rows in (10_000, 1_000_000):
        rng = np.random.default_rng(1)
        probabilities = rng.beta(1, 9, rows)
        labels = (rng.random(rows) < probabilities).astype(np.int8)
        record = evaluation(labels, np.arange(0, rows + 1, 5), {"model": probabilities}, "live")
        sizes.append(len(json.dumps(record)))
    assert sizes[1] < 1.1 * sizes[0]


def test_it_stays_small_however_much_there_is(examined: Bundle) -> None:
    metrics = json.loads(json.dumps(examined.metrics))
    metrics["log"]["days"] = [
        {"day": f"2024-{place:05d}", "impressions": 10_000_000, "clicks": 1_234_567}
        for place in range(400)
    ]
    for name in ("importance", "drift"):
        found = metrics["examined"][name]
        metrics["examined"][name] = [one | {"feature": f"f{n}"} for n in range(8) for one in found]
    metrics["epochs"] = [{"number": n, "loss": 0.5, "monitored": 0.4} for n in range(1, 101)]
    trials = [[n, 0.4] for n in range(1_000)]
    metrics["origin"]["tuning"] = {"metric": "auc", "trials": trials, "lower_is_better": False}
    changed = replace(examined, metrics=metrics)
    html = page(changed, sections_of(changed, LATENCY))
    assert "trials" in html
    assert "and 850 more, in the bundle's metrics.json" in html
    assert len(html.encode()) <= MOST_BYTES


def test_a_search_and_a_selection_are_shown(examined: Bundle) -> None:
    points = [{"features": n, "auc": 0.7 + n / 100} for n in (1, 2, 4)]
    origin = examined.metrics["origin"] | {
        "tuning": {
            "metric": "log_loss",
            "trials": [[0, 0.5], [2, 0.4], [3, 0.45]],
            "lower_is_better": True,
        },
        "selection": {"candidates": 9, "kept": ["a", "b"], "curve": points},
    }
    changed = replace(examined, metrics=examined.metrics | {"origin": origin})
    (history,) = [s for s in sections_of(changed, LATENCY) if s.id == "history"]
    assert [figure.title for figure in history.figures] == [
        "Tuning: validation log loss of 3 trials",
        "Selection: 2 of 9 features kept",
    ]
    table = history.figures[0].table
    assert table is not None
    assert [row[2] for row in table.rows] == ["0.5000", "0.4000", "0.4000"]


def test_a_bundle_that_was_not_examined_says_what_would_be_there(bundle: Bundle) -> None:
    html = page(bundle, sections_of(bundle, LATENCY))
    assert "clickthrough train --report adds" in html
    assert 'id="importance"' not in html


def test_a_bundle_of_before_has_a_page_too(examined: Bundle) -> None:
    """Its evaluation has no curves, no days, no origin, and bins without intervals."""
    test = {name: value for name, value in examined.metrics["test"].items() if name != "curves"}
    bins = [
        {name: value for name, value in one.items() if name not in ("low", "high")}
        for one in test["reliability"]
    ]
    del test["raw_reliability"]
    kept = {name: examined.metrics[name] for name in ("epochs", "calibration")}
    old = replace(examined, metrics=kept | {"test": test | {"reliability": bins}})
    html = page(old, sections_of(old, LATENCY))
    assert 'id="comparison"' in html
    assert 'id="reliability"' in html
    assert 'id="curves"' not in html
    assert page(examined, sections_of(examined, LATENCY)).count("Its probabilities") == 1
    bare = replace(examined, metrics={})
    assert "the log had no test part with labels" in page(bare, sections_of(bare, LATENCY))


def test_a_bundle_that_was_calibrated_anew_says_so(bundle: Bundle, tmp_path: Path) -> None:
    done = run("calibrate", bundle.path, "--out", "anew", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    again = load_bundle(tmp_path / "anew")
    html = page(again, sections_of(again, LATENCY))
    assert "it was calibrated anew, and not evaluated since" in html
    assert "; then clickthrough calibrate" in html


def test_values_longer_than_the_service_takes_do_not_stop_it(bundle: Bundle) -> None:
    short = bundle.config.serving.model_copy(update={"max_id_bytes": 1, "max_text_bytes": 1})
    config = bundle.config.model_copy(update={"serving": short})
    assert len(measured(replace(bundle, config=config))) == 3


def test_the_verb_writes_page_and_pictures(examined: Bundle, tmp_path: Path) -> None:
    done = run("report", examined.path, "--png", "--out", "page.html", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    *written, said = done.stdout.splitlines()
    assert said.startswith("next: open page.html")
    assert written[0] == "page.html"
    assert (tmp_path / "page.html").stat().st_size <= MOST_BYTES
    pictures = [tmp_path / name for name in written[1:]]
    assert len(pictures) > 10
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_a_place_that_is_not_there_is_refused(examined: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ClickthroughError, match="no such directory"):
        write_report(examined, tmp_path / "none" / "report.html")
