"""The list of what the image holds: every Python package and every Debian package, CycloneDX."""

import json
import re
from pathlib import Path

import pytest

from clickthrough import __version__
from tests.conftest import ROOT
from tests.stack.container import started
from tests.stack.engine import Engine

pytestmark = pytest.mark.stack


def test_every_package_is_listed(
    engine: Engine, clone: Path, service_image: str, tmp_path: Path
) -> None:
    engine.build(clone, "--target", "sbom", "--output", f"type=local,dest={tmp_path}")
    made = json.loads((tmp_path / "sbom.cdx.json").read_text())
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    own = [part for part in made["components"] if part["name"] == "clickthrough"]
    assert [part["version"] for part in own] == [__version__]
    listed = {part["purl"].partition("?")[0] for part in made["components"] if part not in own}
    with started(engine, service_image, "--env", "CTR_STORE=memory") as running:
        code = (
            "import importlib.metadata as m;"
            "print('\\n'.join(d.name + '@' + d.version for d in m.distributions()"
            " if d.name != 'clickthrough'))"
        )
        python = {f"pkg:pypi/{_normal(line)}" for line in running.python(code).split()}
        debian = running.python(
            "import pathlib; print('\\n'.join(p.name for p in"
            " pathlib.Path('/var/lib/dpkg/status.d').iterdir()))"
        ).split()
    assert python <= listed
    assert {"libc6", "libssl3t64", "libsqlite3-0", "zlib1g"} <= set(debian)
    names = {re.sub(r"^pkg:deb/debian/(.*)@.*", r"\1", part) for part in listed}
    assert {name.replace("+", "%2B") for name in debian} <= names
    assert len(python) > len(re.findall(r"^\S+==", (ROOT / "requirements.lock").read_text())) * 0.7


def _normal(distribution: str) -> str:
    name, _, version = distribution.partition("@")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}@{version}"
