"""The page of all settings is made of the code, and its links lead somewhere."""

import re

from clickthrough.config.json_schema import config_schema
from clickthrough.config.reference import reference
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "settings.md"


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text() == reference(), "clickthrough schema --reference docs/settings.md"


def test_every_setting_is_on_it() -> None:
    text = PAGE.read_text()
    for part in config_schema()["$defs"].values():
        for name in part.get("properties", {}):
            assert f"`{name}`" in text or f"`{name}: " in text, name


def test_its_links_lead_somewhere() -> None:
    text = PAGE.read_text()
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    places = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    links = re.findall(r"\]\(#(.*?)\)", text)
    assert len(links) > 10
    assert set(links) <= places
    files = re.findall(r"\]\(([\w.]+)\)", text)
    assert files and all((PAGE.parent / name).is_file() for name in files)
