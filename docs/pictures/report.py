"""The picture of the report in the README: the first screen of a page, by a headless Chromium.

    python docs/pictures/report.py report.html

writes ``report.png`` beside this file.
"""

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

SIZE = {"width": 1000, "height": 760}
ZOOM = 1.6
COLOURS = 64


def main() -> None:
    """Open the page that is named, without a network, and write what is seen first."""
    page_path, chromium = Path(sys.argv[1]).resolve(), shutil.which("chromium")
    out = Path(__file__).with_name("report.png")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": SIZE["width"], "height": SIZE["height"]},
            device_scale_factor=ZOOM,
            offline=True,
        )
        page = context.new_page()
        page.goto(page_path.as_uri())
        page.screenshot(path=out)
        browser.close()
    Image.open(out).quantize(COLOURS).save(out, optimize=True)
    print(out)


if __name__ == "__main__":
    main()
