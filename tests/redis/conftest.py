"""A server for each module's tests."""

from collections.abc import Iterator

import pytest

from tests.redis.server import RedisServer


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server that holds nothing, of one test."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as made:
        yield made
