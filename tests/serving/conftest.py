"""What tests of serving share beside the bundle that all tests share."""

import pytest

from tests.serving.rich import Trained, train_rich


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A bundle with every kind of feature; no test may change it."""
    return train_rich(tmp_path_factory.mktemp("rich"))
