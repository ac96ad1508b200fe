"""A headless Chromium in which pages are looked at, with the network refused."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.lacking import lacking

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
WIDTHS, SCHEMES = (375, 1440), ("light", "dark")
_LOOKS = (Path(__file__).parent / "looks.js").read_text()


def looked_at(page: "Page", what: str) -> list[Any]:
    """Return what is wrong with how a page looks; see ``looks.js``."""
    made: list[Any] = page.evaluate(f"({_LOOKS}).{what}()")
    return made


@contextmanager
def browser() -> Iterator["Browser"]:
    """Start a browser; without one the test is skipped, or fails where nothing may be."""
    if CHROMIUM is None:
        lacking("chromium is missing: make test-system installs it")
    if find_spec("playwright") is None:
        lacking("playwright is missing")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        made = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield made
        finally:
            made.close()


@contextmanager
def opened(chromium: "Browser", path: Path, width: int, scheme: str) -> Iterator["Page"]:
    """Open a file with no network; that nothing was wrong is looked at as it is closed."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        offline=True,
    )
    page, wrong = context.new_page(), []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda asked: wrong.append(asked.url))
    try:
        page.goto(path.as_uri())
        yield page
        assert wrong == []
    finally:
        context.close()
