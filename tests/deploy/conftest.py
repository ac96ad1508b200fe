"""Every set of manifests that somebody may apply."""

from pathlib import Path

import pytest

from tests.deploy.checkov import program
from tests.deploy.render import (
    CONFIG,
    ON_AWS,
    OVERLAYS,
    Manifest,
    copy_of_config,
    plain,
    render,
    with_every_component,
)

EVERYTHING = tuple(f"{overlay} with every component" for overlay in OVERLAYS)


@pytest.fixture(scope="session")
def checkov() -> str:
    """The program."""
    return program()


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every overlay with all components, by what it is called."""
    config = copy_of_config(tmp_path_factory.mktemp("everything"))
    folders = [with_every_component(config, overlay) for overlay in OVERLAYS]
    return dict(zip(EVERYTHING, folders, strict=True))


@pytest.fixture(params=[*OVERLAYS, *ON_AWS, *EVERYTHING])
def kustomized(request: pytest.FixtureRequest, everything: dict[str, Path]) -> list[Manifest]:
    """What an overlay renders to."""
    return render(everything.get(request.param, CONFIG / "overlays" / request.param))


@pytest.fixture(params=["plain", *OVERLAYS, *ON_AWS, *EVERYTHING])
def documents(request: pytest.FixtureRequest, everything: dict[str, Path]) -> list[Manifest]:
    """What an overlay renders to, or the two files that work alone."""
    if request.param == "plain":
        return plain()
    return render(everything.get(request.param, CONFIG / "overlays" / request.param))


@pytest.fixture(params=EVERYTHING)
def complete(request: pytest.FixtureRequest, everything: dict[str, Path]) -> list[Manifest]:
    """What an overlay with every component renders to."""
    return render(everything[request.param])
