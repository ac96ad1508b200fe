"""A place that one run at a time works on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clickthrough.alone import alone, lock_beside
from clickthrough.errors import ClickthroughError
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")

HOLDER = """
import sys, time
from pathlib import Path
from clickthrough.alone import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(place: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a process that holds a place."""
    command = [sys.executable, "-c", HOLDER, str(place)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_second_one_hears_who_is_there_and_what_to_do(tmp_path: Path) -> None:
    place = tmp_path / "models"
    with holder(place) as first, pytest.raises(ClickthroughError) as told, alone(place):
        pytest.fail("two hold one place")
    said = str(told.value)
    assert "\n" not in said
    assert said.startswith(f"{place}: another run works on it, process {first.pid} since 20")
    assert str(place) in said.partition("since")[2]  # its command
    assert said.endswith("wait for its end, or name another place with --out")


def test_the_lock_falls_away_with_the_process(tmp_path: Path) -> None:
    place = tmp_path / "models"
    with holder(place) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert names(tmp_path) == [".models.lock"]
        with alone(place):
            assert str(os.getpid()) in lock_beside(place).read_text()
    assert names(tmp_path) == []


def test_nothing_is_left_behind_however_the_work_ends(tmp_path: Path) -> None:
    place = tmp_path / "some" / "new" / "models"

    def fail() -> None:
        with alone(place):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names(tmp_path) == []
    with alone(place):
        place.mkdir()
    assert names(place.parent) == ["models"]


def test_places_of_other_names_are_other_places(tmp_path: Path) -> None:
    with alone(tmp_path / "one"), alone(tmp_path / "two"):
        assert names(tmp_path) == [".one.lock", ".two.lock"]
    with alone(tmp_path / "one"):
        pass  # again, and after


def test_a_way_through_a_link_leads_to_the_same_place(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    held, other = alone(tmp_path / "real" / "m"), alone(tmp_path / "link" / "m")
    with held, pytest.raises(ClickthroughError, match="another run"), other:
        pytest.fail("two hold one place")


def test_a_lock_that_goes_meanwhile_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, opened = tmp_path / "models", os.open
    done = list[bool]()

    def removed_at_once(path: Path, *rest: int) -> int:
        made = opened(path, *rest)
        if not done:  # as whoever held it removes it as the last thing
            done.append(True)
            Path(path).unlink()
        return made

    monkeypatch.setattr(os, "open", removed_at_once)
    with alone(place):
        monkeypatch.undo()
        assert lock_beside(place).exists()
        with pytest.raises(ClickthroughError, match="another run"), alone(place):
            pytest.fail("two hold one place")


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "models"
    with pytest.raises(ClickthroughError, match=f"{place}: cannot be written"), alone(place):
        pytest.fail("nothing can lie there")


def test_a_system_without_such_locks_works_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clickthrough.alone.fcntl", None)
    with alone(tmp_path / "models"), alone(tmp_path / "models"):
        assert names(tmp_path) == []
