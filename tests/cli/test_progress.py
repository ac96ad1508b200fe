"""Steps on a terminal, and their absence elsewhere."""

import io

import pytest
from rich.console import Console

from clickthrough.cli import output
from clickthrough.cli import progress as shown
from clickthrough.cli.progress import progress, told
from clickthrough.steps import step


def on(terminal: bool, monkeypatch: pytest.MonkeyPatch, patience: float = 0.0) -> str:
    """Return what a run with two steps prints."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    monkeypatch.setattr(output, "console", console)
    monkeypatch.setattr(shown, "PATIENCE", patience)
    with progress() as bars:
        report = told()
        with step("reading the log"):
            bars.refresh()
            report.say("a plain line [1]")
        with step("training") as at:
            at(10, 40, "epoch 2")
            bars.refresh()
    printed = console.file
    assert isinstance(printed, io.StringIO)
    return printed.getvalue()


def test_a_terminal_shows_the_step_and_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = on(True, monkeypatch)
    assert "reading the log" in printed
    assert "training: epoch 2" in printed
    assert "10 of 40" in printed
    assert "0:00:00" in printed


def test_a_step_is_not_shown_before_it_has_taken_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "━" in on(True, monkeypatch)
    assert "━" not in on(True, monkeypatch, patience=60)
    clock = 0.0
    bars = shown._Patient(get_time=lambda: clock)
    task = bars.add_task("reading the log", total=None)
    assert not shown._is_due(bars.tasks[task])
    clock = 2.5
    monkeypatch.setattr(shown, "PATIENCE", 2.0)
    assert shown._is_due(bars.tasks[task])


def test_elsewhere_there_are_plain_lines_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert on(False, monkeypatch) == "a plain line [1]\n"


@pytest.mark.filterwarnings("ignore:install .ipywidgets.")
def test_a_notebook_is_a_place_to_show_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), force_jupyter=True, width=100)
    monkeypatch.setattr(output, "console", console)
    with progress() as bars:
        assert not bars.disable
    monkeypatch.setattr(output, "console", Console(file=io.StringIO(), force_terminal=False))
    with progress() as bars:
        assert bars.disable


def test_a_step_that_fails_leaves_no_bar() -> None:
    with progress() as bars:
        with pytest.raises(ValueError, match="broken"), step("reading the log"):
            assert [task.description for task in bars.tasks] == ["reading the log"]
            raise ValueError("broken")
        assert not bars.tasks


def test_a_step_that_began_before_anybody_looked_ends_like_others() -> None:
    with step("reading") as at, progress() as bars:
        at.ended = True
        at.tell()
        assert not bars.tasks
