"""What a machine lacks for a test: skipped with the reason, or a failure where CI=true."""

import os
from typing import NoReturn

import pytest


def lacking(reason: str) -> NoReturn:
    """End the test: it cannot run here."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
