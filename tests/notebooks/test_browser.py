"""The notebook as nbconvert writes it, in a browser without a network: widths, themes, schemes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nbconvert import HTMLExporter

from notebooks.execute import TRAINING
from tests.report.browser import SCHEMES, WIDTHS, browser, looked_at, opened

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FETCHED = ("require_js_url", "mathjax_url", "jquery_url", "mermaid_js_url")
"""What nbconvert's page would ask other sites for; no cell needs it."""
NOT_OURS = ".highlight, .jp-InputPrompt, .jp-OutputPrompt"
"""Code and prompts have nbconvert's own colours, which are pale."""


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    with browser() as made:
        yield made


@pytest.fixture(scope="module", params=["light", "dark"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    exporter = HTMLExporter(template_name="lab", theme=request.param)  # type: ignore[no-untyped-call]
    for name in FETCHED:
        setattr(exporter, name, "")
    made = tmp_path_factory.mktemp("notebook") / "training.html"
    made.write_text(exporter.from_filename(str(TRAINING))[0])
    return made


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_can_be_read_in_any_theme(
    chromium: "Browser", path: Path, width: int, scheme: str
) -> None:
    """The theme is the notebook's, the scheme the system's: figures follow the latter."""
    with opened(chromium, path, width, scheme) as page:
        assert page.evaluate("document.querySelectorAll('.clickthrough figure > svg').length") > 20
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for what in ("wide", "cut"):
            assert looked_at(page, what) == [], what
        # lines of one heading touch: nbconvert sets them at the height of their letters
        assert [one for one in looked_at(page, "overlaps") if one[0] != one[1]] == []
        page.evaluate(f"document.querySelectorAll('{NOT_OURS}').forEach(e => e.remove())")
        assert looked_at(page, "pale") == []


def test_figures_are_dark_where_the_system_is(chromium: "Browser", path: Path) -> None:
    found = []
    for scheme in SCHEMES:
        with opened(chromium, path, 1440, scheme) as page:
            asked = "getComputedStyle(document.querySelector('.clickthrough')).backgroundColor"
            found.append(page.evaluate(asked))
    assert len({*found}) == 2
