"""A cloud for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.aws import cloud as local
from tests.stack.aws.charts import repository

collect_ignore = ["local_aws.py", "secrets_of_helm.py"]  # of another environment


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[local.Cloud]:
    """A cloud in which no node joins a cluster."""
    with local.cloud(tmp_path) as made, repository(tmp_path):
        yield made


@pytest.fixture
def cloud(empty: local.Cloud) -> local.Cloud:
    """A cloud in which two nodes do."""
    empty.add_nodes("a", "b")
    return empty
