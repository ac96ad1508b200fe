"""Services of each kind, and what every attack must leave as it was."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.serving.hostile.servers import SLOW, Server, serving

MOST_GROWTH = 96_000_000
"""Bytes by which a service may grow under an attack: what the allocator keeps, and no more."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if sys.platform != "linux" and "/hostile/" in str(item.path):
            item.add_marker(pytest.mark.skip(reason="looks into /proc"))


@contextmanager
def _left_as_it_was(server: Server) -> Iterator[Server]:
    server.works(1)
    server.settle()
    memory = server.gauge("process_resident_memory_bytes")
    yield server
    assert server.drops_all(), "connections are left over"
    assert server.comes_to_rest()
    assert server.gauge("process_resident_memory_bytes") - memory < MOST_GROWTH
    server.works()


def _one(
    kind: str, bundle: Path, factory: pytest.TempPathFactory, store: str = "memory"
) -> Iterator[Server]:
    with serving(kind, bundle, factory.mktemp(kind), {"CTR_STORE": store}) as made:
        yield made


@pytest.fixture(scope="package")
def serve_process(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from _one("serve", bundle_path, tmp_path_factory)


@pytest.fixture(scope="package")
def uvicorn_process(
    bundle_path: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """The service over a store of the network, where there is a server for it."""
    store = "memory"
    if shutil.which("redis-server") is not None:
        store = f"{request.getfixturevalue('redis_server').url}?prefix=hostile"
    yield from _one("uvicorn", bundle_path, tmp_path_factory, store)


@pytest.fixture(scope="package")
def fallback_process(
    bundle_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    yield from _one("fallback", bundle_path, tmp_path_factory)


@pytest.fixture(scope="package")
def slow_bodies(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that waits long for the rest of a body."""
    limits = {"CTR_BODY_SECONDS": str(SLOW)}
    with serving("serve", bundle_path, tmp_path_factory.mktemp("slow"), limits) as made:
        yield made


@pytest.fixture(params=["serve", "uvicorn"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The service in both of the ways it is documented."""
    with _left_as_it_was(request.getfixturevalue(f"{request.param}_process")) as made:
        yield made


@pytest.fixture(params=["serve", "fallback"])
def guarded(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The service under its own deadlines, by both of uvicorn's protocols."""
    with _left_as_it_was(request.getfixturevalue(f"{request.param}_process")) as made:
        yield made
