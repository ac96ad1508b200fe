"""What is printed stands there as it is, whatever signs are in the names of others."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.table import Table

from clickthrough.cli import output
from clickthrough.cli.progress import progress
from clickthrough.steps import happened, step
from tests.cli.process import run
from tests.odd import ODD

NAME = "[/b] [bold]x[/] :smile: #2"


@pytest.mark.parametrize(
    "tell",
    [output.result, output.then, output.note, output.say, output.warn, output.fail],
)
def test_a_text_holds_no_markup(
    tell: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    tell(f"in {NAME}")
    said = capsys.readouterr()
    assert f"in {NAME}\n" in said.out + said.err


def test_a_table_holds_none(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(NAME, title=f"of {NAME}", caption=NAME)
    table.add_row(f"cell {NAME}")
    output.result(table)
    said = capsys.readouterr().out
    assert said.count(NAME) == 4


def test_a_step_holds_none(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(lines=True), step(f"reading {NAME}"):
        happened(f"found {NAME}")
    assert f"found {NAME}" in capsys.readouterr().out


def test_a_command_that_comes_next_can_be_copied(tmp_path: Path) -> None:
    made = tmp_path / f"{ODD} [/b] #2"
    done = run("simulate", made, "--kind", "plain", "--impressions", 2_000, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"in {made}; its truth in {made / 'truth'}" in done.stdout
    following = done.stdout.splitlines()[-1].removeprefix("next: ")
    words = shlex.split(following)
    assert words[:3] == ["clickthrough", "train", str(made / "config.yaml")]
    assert str(made / "truth") in words
