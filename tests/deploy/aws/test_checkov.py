"""Checkov finds nothing in the stacks but what deploy/aws/checkov.yaml gives a reason for."""

import shutil
from pathlib import Path

import pytest

from tests.deploy.aws.stacks import AWS, ORDER, path
from tests.deploy.checkov import findings, waivers

pytestmark = pytest.mark.stack

_WAIVERS = AWS / "checkov.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the stacks, which may be changed."""
    for name in ORDER:
        shutil.copy(path(name), tmp_path)
    return tmp_path


def test_checkov_finds_what_is_waived_and_nothing_else(checkov: str, folder: Path) -> None:
    found = findings(checkov, folder, "cloudformation")
    assert found - waivers(_WAIVERS) == set(), "neither mended nor waived"
    assert waivers(_WAIVERS) - found == set(), "waived and not needed"


def test_the_check_sees_disks_that_are_not_encrypted_and_a_bucket_that_is_public(
    checkov: str, folder: Path
) -> None:
    bundles = folder / "bundles.yaml"
    bundles.write_text(
        bundles.read_text().replace("BlockPublicAcls: true", "BlockPublicAcls: false")
    )
    nodes = folder / "nodes.yaml"
    nodes.write_text(nodes.read_text().replace("HttpTokens: required", "HttpTokens: optional"))
    assert {"CKV_AWS_53", "CKV_AWS_79"} <= findings(checkov, folder, "cloudformation")
