"""Pages of metrics are read as the service writes them."""

import math
from pathlib import Path

import pytest

from clickthrough.serving.app import Service, create_app
from clickthrough.serving.metrics import BOUNDS, Metrics
from deploy.ci.errors import PipelineError
from deploy.ci.metrics import SCORING, Counts


def _page(*answers: tuple[str, int, float | None]) -> Counts:
    metrics = Metrics("1", dict)
    for route, status, seconds in answers:
        metrics.answered(route, status, seconds)
    return Counts.read(metrics.text().decode())


def test_somebody_waits_for_each_route_that_scores(bundle_path: Path) -> None:
    service = create_app(bundle_path, "memory")
    assert isinstance(service, Service)
    hot = service.hot.values()
    assert set(SCORING) == {one.route.path for one in hot if one.route.kind == "scoring"}


def test_answers_are_counted_by_route_and_status() -> None:
    made = _page(("/rank", 200, 0.001), ("/rank", 503, None), ("/events", 500, 0.1))
    assert (made.count(), made.count("5"), made.count("503")) == (3, 2, 1)
    assert made.count(routes=("/rank",)) == 2
    assert made.started > 1_700_000_000


def test_the_quantile_lies_between_the_limits_that_hold_it() -> None:
    for limit, low in zip(BOUNDS[1:], BOUNDS, strict=False):
        made = _page(*[("/rank", 200, (low + limit) / 2)] * 10)
        assert low < made.quantile(0.99) <= limit


def test_one_slow_answer_of_fifty_is_seen_and_one_of_a_thousand_is_not() -> None:
    fast, slow = ("/predict", 200, 0.003), ("/predict", 200, 1.5)
    assert _page(*[fast] * 49, slow).quantile(0.99) > 1
    assert _page(*[fast] * 999, slow).quantile(0.99) < 0.005


def test_longer_than_the_last_limit_is_without_end_and_nothing_is_0() -> None:
    assert _page(*[("/rank", 200, 60.0)] * 3).quantile(0.99) == math.inf
    assert _page().quantile(0.99) == 0
    assert _page(*[("/events", 200, 60.0)] * 3).quantile(0.99) == 0  # nobody waits for these


def test_what_was_counted_before_is_taken_off_unless_another_process_did() -> None:
    before = _page(*[("/rank", 200, 1.0)] * 5)
    after = _page(*[("/rank", 200, 1.0)] * 5, ("/rank", 200, 0.001))
    assert after.since(before).count() == 1
    assert after.since(before).quantile(0.99) < 0.01
    other = Counts(before.answers, before.seconds, before.started - 60)
    assert after.since(other).count() == 6


@pytest.mark.parametrize("away", [True, False])
def test_it_says_whether_the_store_is_away(away: bool) -> None:
    page = Metrics("1", dict, lambda: away).text().decode()
    assert Counts.read(page).away is away


@pytest.mark.parametrize("text", ["", "<html>", "ctr_requests_total 1\n", "up 1\n"])
def test_another_page_is_refused(text: str) -> None:
    with pytest.raises(PipelineError, match="/metrics: "):
        Counts.read(text)
