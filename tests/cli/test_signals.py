"""Ctrl-C and SIGTERM, sent to real processes at many moments: a word, a status, nothing left."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.cli.process import run
from tests.conftest import ROOT
from tests.logs import make_values

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

ENTRY = "import runpy; runpy.run_module('clickthrough', run_name='__main__', alter_sys=True)"
WAITING_IMPORT = """
import sys, time
class Waiting:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            print("here", flush=True)
            try:
                time.sleep(60)
            except BaseException as error:  # as a library may take it while it is imported
                raise ImportError("half a module") from error
sys.meta_path.insert(0, Waiting())
"""
WAITING_VERB = """
import time
import clickthrough.bundle
{more}
def waiting(path):
    print("here", flush=True)
    {how}
clickthrough.bundle.load_bundle = waiting
"""
LOST = """
class Lost:
    def __del__(self):
        time.sleep(60)
"""
CALLBACK = """
import weakref
class Held: pass
def called():
    held = Held()
    reference = weakref.ref(held, lambda _: time.sleep(60))
    del held
"""
HOWS = {
    "in the verb": ("", "time.sleep(60)"),
    "in code that is made of a text": ("", "exec('time.sleep(60)')"),
    "where a library makes a fault of it": (
        "def sleep():\n    try:\n        time.sleep(60)\n    except BaseException:\n"
        "        raise RuntimeError('broken') from None",
        "sleep()",
    ),
    "where it would be lost": (LOST, "Lost(); time.sleep(60)"),
    "in a callback": (CALLBACK, "called(); time.sleep(60)"),
}
SAID = {signal.SIGINT: (130, "interrupted\n"), signal.SIGTERM: (143, "")}


def start(folder: Path, before: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", f"{before}\n{ENTRY}", *arguments],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def sent(number: signal.Signals, folder: Path, before: str) -> tuple[int, str]:
    """Send a signal once a verb is where it waits; return its status and what it said.

    A signal that comes between Python's last look and a system call is heard once that is over:
    a window of microseconds, which a signal right after a line is printed meets once in hundreds.
    """
    for _ in range(3):
        process = start(folder, before, "inspect", "models")
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(number)
        try:
            _, err = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            shutil.rmtree(folder)  # a killed one leaves what it has
            folder.mkdir()
        else:
            return process.returncode, err
    raise AssertionError("it was not heard three times in a row")


@pytest.mark.parametrize("name", ["typer", "rich", "yaml", "clickthrough.cli"])
def test_ctrl_c_while_python_imports(name: str, tmp_path: Path) -> None:
    assert sent(signal.SIGINT, tmp_path, WAITING_IMPORT.format(name=name)) == (130, "interrupted\n")


def test_ctrl_c_while_a_verb_imports(tmp_path: Path) -> None:
    before = WAITING_IMPORT.format(name="onnxruntime")
    assert sent(signal.SIGINT, tmp_path, before) == (130, "interrupted\n")


@pytest.mark.parametrize("number", SAID)
@pytest.mark.parametrize("how", HOWS)
def test_a_signal_ends_a_verb_wherever_python_is(
    how: str, number: signal.Signals, tmp_path: Path
) -> None:
    more, does = HOWS[how]
    assert sent(number, tmp_path, WAITING_VERB.format(more=more, how=does)) == SAID[number]


def test_sigterm_leaves_the_blocks_of_a_verb(tmp_path: Path) -> None:
    how = (
        "from clickthrough.cleanup import scratch_directory\n"
        "    with scratch_directory(path.parent) as made:\n        time.sleep(60)"
    )
    assert sent(signal.SIGTERM, tmp_path, WAITING_VERB.format(more="", how=how)) == (143, "")
    assert [*tmp_path.iterdir()] == []


def test_a_process_that_is_to_hear_of_no_interrupt_hears_of_none(tmp_path: Path) -> None:
    before = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    waiting = WAITING_VERB.format(more="", how="time.sleep(0.5); raise SystemExit(7)")
    assert sent(signal.SIGINT, tmp_path, f"{before}\n{waiting}") == (7, "")


def test_the_installed_command_is_that_entry() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert 'clickthrough = "clickthrough.__main__:main"' in text


@pytest.mark.stack
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_training_is_ended_at_any_moment(
    number: signal.Signals, tmp_path: Path, log_folder: Path
) -> None:
    """Moments are shares of what a whole run takes here; the next run goes through."""
    values = make_values(log_folder, epochs=8)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    train = ("-q", "train", "config.yaml", "--no-baselines", "--out", "m")
    begun = time.monotonic()
    whole = start(tmp_path, "", *train, "--set", "data.cache=first")
    assert whole.wait(300) == 0
    whole.communicate()
    taken, ended = time.monotonic() - begun, 0
    known = {"config.yaml", "first", "runs", "cache", "m", ".m.training"}
    for share in range(1, 20, 2):
        process = start(tmp_path, "", *train, "--set", "data.cache=cache")
        time.sleep(0.2 + share / 20 * taken)  # Python's own start is not ours to speak of
        process.send_signal(number)
        _, err = process.communicate(timeout=300)
        if process.returncode:
            ended += 1
            early = number == signal.SIGTERM and process.returncode == -signal.SIGTERM
            assert early or (process.returncode, err) == SAID[number]
        assert {path.name for path in tmp_path.iterdir()} <= known
        cached = [*(tmp_path / "cache").rglob("*")] if (tmp_path / "cache").exists() else []
        assert not [path for path in cached if path.name.startswith(("conv", "comp", "unpack"))]
    assert ended > 5
    done = run(*train, "--set", "data.cache=cache", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == known - {".m.training"}
