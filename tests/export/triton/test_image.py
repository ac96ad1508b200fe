"""The Dockerfile beside the repository copies what builds of a checkout may see."""

import re
from pathlib import Path

import clickthrough.export.triton
from tests.conftest import ROOT

DOCKERFILE = Path(clickthrough.export.triton.__file__).with_name("Dockerfile")


def test_what_is_copied_is_there_and_passes_dockerignore() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    assert {"clickthrough", "pyproject.toml"} <= names <= allowed
    assert all((ROOT / name).exists() for name in names)
