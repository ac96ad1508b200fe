"""A bundle that was examined, with its page."""

import pytest

from clickthrough.bundle import Bundle, load_bundle
from clickthrough.config import Config
from clickthrough.report.page import page, sections_of
from clickthrough.training.examining.examine import Keep
from clickthrough.training.run import train

LATENCY = [{"rows": rows, "p50": rows / 100, "p99": rows / 50} for rows in (1.0, 10.0, 100.0)]


@pytest.fixture(scope="session")
def examined(tmp_path_factory: pytest.TempPathFactory, config: Config) -> Bundle:
    """A bundle trained beside its baselines; no test may change it."""
    path = tmp_path_factory.mktemp("examined") / "bundle"
    evaluation = config.evaluation.model_copy(update={"slices": ["platform", "item"]})
    asked = config.model_copy(update={"evaluation": evaluation})
    train(asked, path, keep=Keep(True, "clickthrough train log.yaml --report"))
    return load_bundle(path)


@pytest.fixture(scope="session")
def html(examined: Bundle) -> str:
    """The page of that bundle, beside itself."""
    return page(examined, sections_of(examined, LATENCY, examined))
