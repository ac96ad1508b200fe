"""What was needed meanwhile goes: with the work, or with whoever comes after a killed process."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from clickthrough import cleanup
from clickthrough.cleanup import clear_left, scratch_beside, scratch_directory
from clickthrough.cli.signals import Terminated, heard
from tests.conftest import ROOT

PREFIX = "converting-"
FOLLOWED = {contextlib.__file__, tempfile.__file__, shutil.__file__, cleanup.__file__, __file__}
"""Modules at each of whose lines a signal is tried."""
OTHERS = {
    "cleanup.py": "the one that all others use",
    "api/fit.py": "kept for as long as its model is",
    "api/model.py": "its type",
    "data/unpack.py": "within another",
}


def made(place: Path) -> Path:
    """Make a directory as a killed process leaves it, with something in it."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    (folder / "rows").write_text("some")
    return folder


def test_a_directory_goes_with_the_work_however_that_ends(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), scratch_directory(tmp_path, PREFIX) as folder:
        (folder / "rows").write_text("some")
        clear_left(tmp_path, PREFIX)
        assert (folder / "rows").exists()  # it is held
        raise ValueError("broken")
    assert not folder.exists()


def test_one_that_is_renamed_in_stays(tmp_path: Path) -> None:
    with scratch_directory(tmp_path, PREFIX) as folder:
        (folder / "rows").write_text("some")
        folder.replace(tmp_path / "kept")
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "rows"]


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from clickthrough.cleanup import scratch_directory\n"
        f"with scratch_directory(pathlib.Path(sys.argv[1]), {PREFIX!r}) as folder:\n"
        "    (folder / 'rows').write_text('some')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    clear_left(tmp_path, PREFIX)
    assert not left.exists()


def test_what_was_left_beside_a_place_goes_with_the_next_success(tmp_path: Path) -> None:
    left = tmp_path / ".model-abcdefgh.writing"
    left.mkdir()
    (left / "old").write_text("the only one")
    with pytest.raises(ValueError, match="broken"), scratch_beside(tmp_path / "model"):
        raise ValueError("broken")
    assert left.exists()
    with scratch_beside(tmp_path / "model"):
        pass
    assert [*tmp_path.iterdir()] == []


def test_what_is_in_use_new_or_of_another_name_stays(tmp_path: Path) -> None:
    with scratch_directory(tmp_path, PREFIX) as used:
        (used / "rows").write_text("some")
        new, left = Path(tempfile.mkdtemp(prefix=PREFIX, dir=tmp_path)), made(tmp_path)
        (tmp_path / "converting-by-hand").mkdir()
        (tmp_path / "converting-by-hand" / "rows").write_text("some")
        before = {*tmp_path.rglob("*")}
        clear_left(tmp_path, PREFIX)
        assert before - {*tmp_path.rglob("*")} == {left, left / "rows"}
    assert new.exists()
    clear_left(tmp_path / "not" / "there", PREFIX)


def test_what_its_process_removes_meanwhile_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path)
    hold = cleanup._hold

    def held(path: Path, wait: bool = True) -> int | None:
        found = hold(path, wait)
        shutil.rmtree(path)
        return found

    monkeypatch.setattr(cleanup, "_hold", held)
    clear_left(tmp_path, PREFIX)
    assert not folder.exists()


def signalled(work: Callable[[], None], moment: int, number: signal.Signals) -> bool:
    """Work, and send a signal before one of the lines; return whether there are so many."""
    passed = 0

    def at_line(frame: FrameType, event: str, _: Any) -> Any:  # noqa: ANN401 - itself
        nonlocal passed
        if frame.f_code.co_filename not in FOLLOWED:
            return None
        passed += event == "line"
        if passed == moment:
            sys.settrace(None)
            os.kill(os.getpid(), number)
        return at_line

    former = sys.gettrace()
    try:
        with heard():
            sys.settrace(at_line)
            work()
            sys.settrace(None)  # what follows is no longer heard
    except (KeyboardInterrupt, Terminated):
        return True
    finally:
        sys.settrace(former)
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_at_whichever_line_a_signal_comes(
    number: signal.Signals, tmp_path: Path
) -> None:
    def work() -> None:
        with scratch_directory(tmp_path, PREFIX) as folder:
            (folder / "rows").write_text("some")

    moment, left = 1, []
    while signalled(work, moment, number):
        left += [(moment, path) for path in tmp_path.iterdir()]
        moment += 1
    assert left == []
    assert moment > 50


def test_no_other_makes_temporary_directories() -> None:
    package = ROOT / "clickthrough"
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if any(word in path.read_text() for word in ("TemporaryDirectory", "mkdtemp"))
    }
    assert found == {*OTHERS}
