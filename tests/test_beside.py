"""A directory is replaced as a whole, and without a moment in which none stands."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from clickthrough import beside
from clickthrough.beside import written_beside
from clickthrough.exchange import exchange
from tests.conftest import ROOT


def put(place: Path, text: str) -> None:
    with written_beside(place) as made:
        (made / "manifest.json").write_text(text)
        (made / "more").mkdir()


def without_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "exchange", lambda *_: False)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def exchanges(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    possible = exchange(tmp_path / "one", tmp_path / "other")
    for name in ("one", "other"):
        (tmp_path / name).rmdir()
    if not possible:
        pytest.skip("this file system cannot exchange names")


@pytest.mark.usefixtures("exchanges")
def test_at_no_moment_does_nothing_stand_at_the_place(tmp_path: Path) -> None:
    place = tmp_path / "bundle"
    put(place, "0")
    enough, looked, missing = threading.Event(), 0, 0

    def look() -> None:
        nonlocal looked, missing
        manifest = str(place / "manifest.json")
        while not enough.is_set():
            looked += 1
            try:
                os.close(os.open(manifest, os.O_RDONLY))
            except FileNotFoundError:
                missing += 1

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for number in range(1, 501):
            put(place, str(number))
    finally:
        enough.set()
        thread.join()
    assert looked > 1_000
    assert missing == 0
    assert (place / "manifest.json").read_text() == "500"
    assert names(tmp_path) == ["bundle"]


@pytest.mark.parametrize("exchanging", [True, False])
def test_what_stands_there_is_replaced_as_a_whole(
    tmp_path: Path, exchanging: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchanging:
        without_exchange(monkeypatch)
    place = tmp_path / "some" / "bundle"
    for text in "abc":
        put(place, text)
        assert (place / "manifest.json").read_text() == text
        (place / "extra").write_text("of this one alone")
    put(place, "d")
    assert names(place) == ["manifest.json", "more"]
    assert names(place.parent) == ["bundle"]


@pytest.mark.parametrize("exchanging", [True, False])
def test_a_link_is_replaced_and_not_what_it_leads_to(
    tmp_path: Path, exchanging: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchanging:
        without_exchange(monkeypatch)
    put(tmp_path / "first", "first")
    (tmp_path / "link").symlink_to(tmp_path / "first")
    put(tmp_path / "link", "second")
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "link" / "manifest.json").read_text() == "second"
    assert (tmp_path / "first" / "manifest.json").read_text() == "first"
    assert names(tmp_path) == ["first", "link"]


def test_what_fails_leaves_the_old_one_and_nothing_beside(tmp_path: Path) -> None:
    place = tmp_path / "bundle"
    put(place, "old")

    def fail() -> None:
        with written_beside(place) as made:
            (made / "manifest.json").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (place / "manifest.json").read_text() == "old"
    assert names(tmp_path) == ["bundle"]


def test_a_failed_second_rename_puts_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_exchange(monkeypatch)
    place = tmp_path / "bundle"
    put(place, "old")
    rename = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError("no space")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="no space"):
        put(place, "new")
    assert (place / "manifest.json").read_text() == "old"
    assert names(tmp_path) == ["bundle"]


WRITER = """
import sys, time
from pathlib import Path
from clickthrough.beside import written_beside
with written_beside(Path(sys.argv[1])) as made:
    (made / "manifest.json").write_text("unfinished")
    print("writing", flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="leftovers are told apart by POSIX locks")
def test_what_a_killed_process_left_goes_but_not_what_another_one_writes(tmp_path: Path) -> None:
    place = tmp_path / "bundle"
    put(place, "old")
    own = [tmp_path / ".bundle-backup", tmp_path / ".bundle-12345678.writing.txt"]
    for folder in own:
        folder.mkdir()
        (folder / "thesis.txt").write_text("precious")
    command = [sys.executable, "-c", WRITER, str(place)]
    writers = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "writing\n"
        writers[0].send_signal(signal.SIGKILL)
        writers[0].wait()
        assert (place / "manifest.json").read_text() == "old"
        assert len(names(tmp_path)) == 5
        put(place, "new")
        (left,) = [path for path in tmp_path.glob(".bundle-*") if path not in own]
        assert (left / "new" / "manifest.json").read_text() == "unfinished"
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            if writer.stdout is not None:
                writer.stdout.close()
    put(place, "newer")
    assert names(tmp_path) == sorted([*(path.name for path in own), "bundle"])
