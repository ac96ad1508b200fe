"""The page of what a log may look like is made of the table of dialects."""

from tests.conftest import ROOT
from tests.whole.dialect_page import with_table

PAGE = ROOT / "docs" / "logs.md"


def test_the_page_is_what_the_cases_come_to() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page, "python -m tests.whole.dialect_page docs/logs.md"
