"""What docs/deploy.md tells to run: what needs an account says so, and the rest is run in tests."""

import re

from tests.conftest import ROOT

_PAGE = ROOT / "docs" / "deploy.md"
_MARK = "# needs an account"
_NEEDS = re.compile(
    r"^(aws |deploy/aws/(up|down)(?!.*--dry-run)"
    r"|python deploy/ci (image|sign|verify|put-bundle|fetch-bundle) )",
    re.MULTILINE,
)


def _blocks() -> list[str]:
    return re.findall(r"^```\w*\n(.*?)^```", _PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_commands_that_need_an_account_say_so() -> None:
    needing = [block for block in _blocks() if _NEEDS.search(block)]
    assert len(needing) > 3
    for block in needing:
        assert block.startswith(_MARK), block


def test_what_says_so_needs_one() -> None:
    for block in _blocks():
        if _MARK in block:
            assert _NEEDS.search(block) or "kubectl" in block, block
