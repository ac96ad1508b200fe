"""What a notebook shows of a model, in a browser without a network."""

from pathlib import Path

from clickthrough import ClickModel, load
from tests.report.browser import SCHEMES, WIDTHS, browser, looked_at, opened

_PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 8px; background: {page}; color: {text}; font-family: sans-serif; }}</style>{view}"""
_THEMES = {
    "light": {"page": "#ffffff", "text": "#1f2328"},
    "dark": {"page": "#111111", "text": "#eeeeee"},
}


def test_guesses_board_verdict_and_reliability(model: ClickModel) -> None:
    page = model._repr_html_()
    for wanted in ("display_id", "by its name", "Leaderboard", "(kept)", "logistic regression",
                   "<svg", model.verdict.split(":")[0]):  # fmt: skip
        assert wanted in page
    assert "<script" not in page
    assert model.verdict in repr(model)


def test_a_loaded_model_has_no_guesses_to_show(model: ClickModel, tmp_path: Path) -> None:
    page = load(model.save(tmp_path / "bundle"))._repr_html_()
    assert "by its name" not in page
    assert "Leaderboard" in page


def test_it_can_be_read(model: ClickModel, tmp_path: Path) -> None:
    with browser() as chromium:
        for scheme in SCHEMES:
            path = tmp_path / f"{scheme}.html"
            path.write_text(_PAGE.format(view=model._repr_html_(), **_THEMES[scheme]))
            for width in WIDTHS:
                with opened(chromium, path, width, scheme) as page:
                    assert page.evaluate("document.documentElement.scrollWidth") <= width
                    found = {what: looked_at(page, what) for what in ("overlaps", "cut", "pale")}
                    assert not any(found.values()), (scheme, width, found)
