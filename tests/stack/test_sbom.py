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
    own = made["metadata"]["component"]
    assert (own["name"], own["version"], own["type"]) == (
        "clickthrough",
        __version__,
        "application",
    )
    (system,) = (part for part in made["components"] if part["type"] == "operating-system")
    urls = [part["purl"] for part in made["components"] if part is not system]
    listed = {url.partition("?")[0] for url in urls}
    assert system["name"] == "debian"
    assert "pkg:npm/swagger-ui-dist" in {url.partition("@")[0] for url in listed}
    of_debian = [url for url in urls if url.startswith("pkg:deb/")]
    assert all(f"distro=debian-{system['version']}" in url for url in of_debian)
    assert any("libc6@" in url and "upstream=glibc" in url for url in of_debian)
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
    assert [name for name in debian if re.fullmatch(r"libpython3\.\d+-stdlib", name)]
    names = {re.sub(r"^pkg:deb/debian/(.*)@.*", r"\1", part) for part in listed}
    assert {name.replace("+", "%2B") for name in debian} <= names
    lock = (ROOT / "requirements.lock").read_text()
    assert len(python) > len(re.findall(r"^\S+==", lock, re.MULTILINE)) * 0.7


def _normal(distribution: str) -> str:
    name, _, version = distribution.partition("@")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}@{version}"
