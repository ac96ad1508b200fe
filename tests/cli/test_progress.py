"""Steps on a terminal, and their absence elsewhere."""

import io

import pytest
from rich.console import Console

from clickthrough.cli import output
from clickthrough.cli import progress as shown
from clickthrough.cli.progress import progress, told


def on(terminal: bool, monkeypatch: pytest.MonkeyPatch, patience: float = 0.0) -> str:
    """Return what a run with a step and an epoch prints."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    monkeypatch.setattr(output, "console", console)
    monkeypatch.setattr(shown, "_PATIENCE", patience)
    with progress() as bars:
        report = told(bars)
        with report.step("reading the log"):
            bars.refresh()
            report.say("a plain line [1]")
        report.progress(2, 10, 40)
        bars.refresh()
    printed = console.file
    assert isinstance(printed, io.StringIO)
    return printed.getvalue()


def test_a_terminal_shows_the_step_and_the_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = on(True, monkeypatch)
    assert "reading the log" in printed
    assert "epoch 2" in printed
    assert "10 of 40" in printed
    assert "0:00:00" in printed


def test_a_step_is_not_shown_before_it_has_taken_a_while() -> None:
    clock = 0.0
    bars = shown._Patient(get_time=lambda: clock)
    step, epoch = bars.add_task("reading the log", total=None), bars.add_task("epoch 1", total=9)
    assert [shown._is_due(bars.tasks[place]) for place in (step, epoch)] == [False, True]
    clock = 2.5
    assert shown._is_due(bars.tasks[step])


def test_elsewhere_there_are_plain_lines_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert on(False, monkeypatch) == "a plain line [1]\n"


def test_a_step_ends_where_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with progress() as bars:
        report = told(bars)
        with pytest.raises(ValueError, match="broken"), report.step("reading the log"):
            raise ValueError("broken")
        assert [task.description for task in bars.tasks] == ["training"]
