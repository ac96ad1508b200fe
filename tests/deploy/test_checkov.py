"""Checkov finds nothing in the manifests but what config/checkov.yaml gives a reason for."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.deploy.checkov import findings, waivers
from tests.deploy.conftest import EVERYTHING
from tests.deploy.render import CONFIG, render

WAIVERS = CONFIG / "checkov.yaml"

pytestmark = pytest.mark.stack


def test_each_waiver_has_its_reason() -> None:
    assert waivers(WAIVERS)


def test_the_check_sees_a_waiver_without_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "checkov.yaml"
    file.write_text("skip-check:\n  - CKV_K8S_1\n")
    with pytest.raises(AssertionError, match="without a reason"):
        waivers(file)


def test_checkov_finds_what_is_waived_and_nothing_else(
    checkov: str, everything: dict[str, Path], tmp_path: Path
) -> None:
    for name in EVERYTHING:
        documents = render(everything[name])
        (tmp_path / f"{name.split()[0]}.yaml").write_text(yaml.safe_dump_all(documents))
    shutil.copy(CONFIG / "base" / "ctr-deployment.yaml", tmp_path / "plain.yaml")
    found = findings(checkov, tmp_path, "kubernetes")
    assert found - waivers(WAIVERS) == set(), "neither mended nor waived"
    assert waivers(WAIVERS) - found == set(), "waived and not needed"


def test_the_check_sees_a_pod_that_may_do_everything(checkov: str, tmp_path: Path) -> None:
    text = (CONFIG / "base" / "ctr-deployment.yaml").read_text()
    (tmp_path / "open.yaml").write_text(
        text.replace("allowPrivilegeEscalation: false", "privileged: true")
    )
    assert {"CKV_K8S_16", "CKV_K8S_20"} <= findings(checkov, tmp_path, "kubernetes")
