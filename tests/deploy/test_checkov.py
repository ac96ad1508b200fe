"""Checkov finds nothing in the manifests but what config/checkov.yaml gives a reason for."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.deploy.conftest import EVERYTHING
from tests.deploy.render import CONFIG, render
from tests.lacking import lacking

WAIVERS = CONFIG / "checkov.yaml"
_WAIVER = re.compile(r"  - (CKV\w+)  # .{10,}")

pytestmark = pytest.mark.stack


@pytest.fixture(scope="session")
def checkov() -> str:
    """The program, in an environment of its own: it pins what it needs."""
    own = ROOT / ".venv" / "checks" / "bin" / "checkov"
    found = str(own) if own.exists() else shutil.which("checkov")
    if found is None:
        reason = f"no checkov at {own}: make test-all"
        lacking(reason)
    return found


def _findings(checkov: str, folder: Path) -> set[str]:
    """Return which checks fail for the manifests in a directory, waivers aside."""
    asked = [checkov, "--directory", str(folder), "--framework", "kubernetes", "--skip-download"]
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


def _waivers() -> set[str]:
    waived: list[str] = yaml.safe_load(WAIVERS.read_text())["skip-check"]
    assert len(waived) == len(set(waived))
    return set(waived)


def test_each_waiver_has_its_reason() -> None:
    lines = [line for line in WAIVERS.read_text().splitlines() if line.startswith("  - ")]
    reasoned = [found[1] for line in lines if (found := _WAIVER.fullmatch(line))]
    assert set(reasoned) == _waivers()


def test_checkov_finds_what_is_waived_and_nothing_else(
    checkov: str, everything: dict[str, Path], tmp_path: Path
) -> None:
    for name in EVERYTHING:
        documents = render(everything[name])
        (tmp_path / f"{name.split()[0]}.yaml").write_text(yaml.safe_dump_all(documents))
    shutil.copy(CONFIG / "base" / "ctr-deployment.yaml", tmp_path / "plain.yaml")
    found = _findings(checkov, tmp_path)
    assert found - _waivers() == set(), "neither mended nor waived"
    assert _waivers() - found == set(), "waived and not needed"


def test_the_check_sees_a_pod_that_may_do_everything(checkov: str, tmp_path: Path) -> None:
    text = (CONFIG / "base" / "ctr-deployment.yaml").read_text()
    (tmp_path / "open.yaml").write_text(
        text.replace("allowPrivilegeEscalation: false", "privileged: true")
    )
    assert {"CKV_K8S_16", "CKV_K8S_20"} <= _findings(checkov, tmp_path)
