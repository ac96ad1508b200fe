"""What nobody foresaw: two lines and a kept traceback."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from clickthrough import __version__
from clickthrough.cli.crash import crash_report
from tests.cli.process import MAIN, run
from tests.conftest import ROOT

FAULT = """
import clickthrough.bundle
def broken(path):
    raise ZeroDivisionError("a fault [of] three\\nlines\\n")
clickthrough.bundle.load_bundle = broken
"""


def test_a_fault_is_two_lines_and_a_file_of_the_owner(tmp_path: Path) -> None:
    place = {"TMPDIR": str(tmp_path)}
    done = run("inspect", "models", folder=tmp_path, before=FAULT, environment=place)
    assert (done.returncode, done.stdout) == (1, "")
    first, second = done.stderr.splitlines()
    assert first.endswith("ZeroDivisionError: a fault [of] three lines")
    assert f"clickthrough {__version__}, Python 3" in second
    (kept,) = tmp_path.glob("clickthrough-*.txt")
    assert str(kept) in second
    assert kept.stat().st_mode & 0o777 == 0o600
    assert 'raise ZeroDivisionError("a fault' not in done.stderr
    assert "in broken" in kept.read_text()


def test_verbose_shows_the_traceback(tmp_path: Path) -> None:
    place = {"TMPDIR": str(tmp_path)}
    done = run("-v", "inspect", "models", folder=tmp_path, before=FAULT, environment=place)
    assert done.returncode == 1
    assert "in broken" in done.stderr


def test_the_traceback_is_shown_where_no_file_can_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere/at/all")
    told = crash_report(ValueError("full"), shown=False)
    assert "ValueError: full\n" in told
    assert "the traceback above" in told


def test_a_reader_that_has_gone_ends_the_command_quietly(bundle_path: Path) -> None:
    command = f"{sys.executable} -c '{MAIN}' inspect {bundle_path} | true"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_a_pipe_that_breaks_within_a_verb_is_no_fault(tmp_path: Path) -> None:
    broken = re.sub(r"ZeroDivisionError\(.*\)", "BrokenPipeError(32, 'gone')", FAULT)
    done = run("inspect", "models", folder=tmp_path, before=broken)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ("PermissionError(13, 'Permission denied', '/etc/x')", "error: /etc/x: Permission denied"),
        ("OSError(30, 'Read-only file system', '/m')", "error: /m: Read-only file system"),
        (
            "OSError(28, 'No space left on device', '/full/file')",
            "error: /full/file: No space left on device",
        ),
        (
            "OSError(28, 'No space left on device')",
            f"error: a disk is full, perhaps that of {tempfile.gettempdir()} (TMPDIR): "
            "[Errno 28] No space left on device",
        ),
        (
            "RuntimeError('I/O error: No space left on device (os error 28)')",
            f"error: a disk is full, perhaps that of {tempfile.gettempdir()} (TMPDIR): "
            "I/O error: No space left on device (os error 28)",
        ),
    ],
)
def test_what_the_machine_refuses_is_no_fault(tmp_path: Path, raised: str, told: str) -> None:
    refused = re.sub(r"ZeroDivisionError\(.*\)", raised, FAULT)
    done = run("inspect", "models", folder=tmp_path, before=refused)
    assert (done.returncode, done.stderr.strip()) == (2, told)
