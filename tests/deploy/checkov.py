"""Checkov, and the files that say which of its checks are failed on purpose."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT
from tests.lacking import lacking

_WAIVER = re.compile(r"  - (CKV\w+)  # .{10,}")


def program() -> str:
    """Return where checkov is: in an environment of its own, since it pins what it needs."""
    own = ROOT / ".venv" / "checks" / "bin" / "checkov"
    found = str(own) if own.exists() else shutil.which("checkov")
    if found is None:
        reason = f"no checkov at {own}: make test-all"
        lacking(reason)
    return found


def findings(checkov: str, folder: Path, framework: str) -> set[str]:
    """Return which checks fail for the files in a directory, waived or not."""
    asked = [checkov, "--directory", str(folder), "--framework", framework, "--skip-download"]
    done = subprocess.run(
        [*asked, "--compact", "--quiet", "--output", "json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=folder,  # where no configuration of its lies
    )
    report: dict[str, Any] = json.loads(done.stdout)
    assert not report["summary"]["parsing_errors"]
    assert report["summary"]["passed"] > 50, done.stderr
    return {check["check_id"] for check in report["results"]["failed_checks"]}


def waivers(file: Path) -> set[str]:
    """Return the checks that a file waives, each of them once and with a reason."""
    text = file.read_text()
    waived: list[str] = yaml.safe_load(text)["skip-check"]
    lines = [line for line in text.splitlines() if line.startswith("  - ")]
    reasoned = [found[1] for line in lines if (found := _WAIVER.fullmatch(line))]
    assert len(waived) == len(set(waived)), "waived twice"
    assert reasoned == waived, "waived without a reason"
    return set(waived)
