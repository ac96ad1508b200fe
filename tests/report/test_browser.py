"""The report in a browser without a network: at both widths, light and dark."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.report.browser import SCHEMES, WIDTHS, browser, looked_at, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

UGLY = """<!doctype html><body style="margin:0;background:#fff;color:#bbb">pale
<figure><svg viewBox="0 0 100 20" width="100"><text x="90" y="15">a long name</text></svg></figure>
<p style="width:2000px">wide</p><b style="position:absolute;top:0">over</b></body>"""


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    with browser() as made:
        yield made


@pytest.fixture(scope="module")
def path(html: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("page") / "report.html"
    made.write_text(html)
    return made


@pytest.mark.parametrize("unfolded", [False, True])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_can_be_read(
    chromium: "Browser", path: Path, width: int, scheme: str, unfolded: bool
) -> None:
    with opened(chromium, path, width, scheme) as page:
        if unfolded:
            page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for what in ("wide", "overlaps", "cut", "pale"):
            assert looked_at(page, what) == [], what


def test_an_ugly_page_is_found_to_be_one(chromium: "Browser", tmp_path: Path) -> None:
    (tmp_path / "ugly.html").write_text(UGLY)
    with opened(chromium, tmp_path / "ugly.html", 375, "light") as page:
        for what in ("wide", "overlaps", "cut", "pale"):
            assert looked_at(page, what) != [], what


def test_dark_is_another_page_than_light(chromium: "Browser", path: Path) -> None:
    found = []
    for scheme in SCHEMES:
        with opened(chromium, path, 1440, scheme) as page:
            found.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len({*found}) == 2
