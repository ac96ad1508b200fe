"""What was needed meanwhile goes: with the work, or with whoever comes after a killed process."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from clickthrough.cleanup import clear_left, hold, release, removing

PREFIX = "converting-"


def made(place: Path) -> Path:
    """Make a temporary directory with something in it."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    (folder / "rows").write_text("some")
    return folder


def test_a_folder_goes_with_the_work_however_that_ends(tmp_path: Path) -> None:
    folder = made(tmp_path)

    def work() -> None:
        clear_left(tmp_path, PREFIX)
        assert (folder / "rows").exists()  # it is held
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        removing(folder, work)
    assert not folder.exists()


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    code = (
        "import os, sys, tempfile, pathlib\n"
        "from clickthrough.cleanup import removing\n"
        f"folder = pathlib.Path(tempfile.mkdtemp(prefix={PREFIX!r}, dir=sys.argv[1]))\n"
        "(folder / 'rows').write_text('some')\n"
        "removing(folder, lambda: os.kill(os.getpid(), 9))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    clear_left(tmp_path, PREFIX)
    assert not left.exists()


def test_what_is_in_use_new_or_of_another_name_stays(tmp_path: Path) -> None:
    used, new = made(tmp_path), Path(tempfile.mkdtemp(prefix=PREFIX, dir=tmp_path))
    (tmp_path / "converting-by-hand").mkdir()
    (tmp_path / "converting-by-hand" / "rows").write_text("some")
    held = hold(used)
    before = sorted(tmp_path.rglob("*"))
    clear_left(tmp_path, PREFIX)
    assert sorted(tmp_path.rglob("*")) == before
    release(held)
    clear_left(tmp_path, PREFIX)
    assert not used.exists()
    assert new.exists()
    clear_left(tmp_path / "not" / "there", PREFIX)


def test_what_its_process_removes_meanwhile_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is done lets go of a directory first, then removes it."""
    folder = made(tmp_path)

    def held(path: Path, wait: bool = True) -> int | None:
        found = hold(path, wait)
        shutil.rmtree(path)
        return found

    monkeypatch.setattr("clickthrough.cleanup.hold", held)
    clear_left(tmp_path, PREFIX)
    assert not folder.exists()
