"""What a machine lacks for a test: skipped with the reason, or a failure where CI=true."""

import os
import shutil
from importlib.util import find_spec
from typing import NoReturn

import pytest

from clickthrough.features.engines import EngineName


def lacking(reason: str) -> NoReturn:
    """End the test: it cannot run here."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def need(engine: EngineName) -> None:
    """Skip without an engine's package or runtime; fail where CI has the runtime."""
    lacks = []
    if engine == "spark" and shutil.which("java") is None:
        lacks.append("java")
    elif engine != "polars" and find_spec("pyspark" if engine == "spark" else engine) is None:
        lacks.append("its package")
        if os.environ.get("CI") == "true":
            pytest.fail(f"{engine}: CI must test it, but it lacks its package")
    if lacks:
        pytest.skip(f"{engine} cannot run here: it lacks {lacks[0]}")
