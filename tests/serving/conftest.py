"""What tests of serving share beside the bundle that all tests share."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from clickthrough.serving.app import create_app
from tests.logs import raw_rows
from tests.serving.asking import Rows


@pytest.fixture(scope="module")
def client(bundle_path: Path) -> Iterator[TestClient]:
    """A service whose store is its own; its faults are answers of status 500."""
    with TestClient(create_app(bundle_path, "memory"), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="module")
def rows(log: pl.DataFrame) -> Rows:
    """Requests that stand apart, repeats, missing values, unseen ones and an unknown field."""
    plain = raw_rows(log.tail(12))
    odd: Rows = [{}, {"ad": 7, "uuid": "nobody", "platform": "watch"}, {"uuid": 'a, "b"\né'}]
    return [{**row, "colour": "red"} for row in [*plain[:7], *odd, *plain[4:], plain[0]]]
