"""Two services on one Redis: they count together, and score on where it is away."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import asking
from tests.redis.server import SYNCED, RedisServer
from tests.serving.hostile.servers import ORDINARY, Server, serving
from tests.waiting import in_time

_PATIENCE = 30.0
RANK = ORDINARY["/rank"]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis"), *SYNCED) as made:
        yield made


@pytest.fixture(scope="module")
def services(
    redis: RedisServer, bundle_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Server]]:
    env = {"CTR_STORE": f"{redis.url}?deadline_ms=500"}
    folder = tmp_path_factory.mktemp("services")
    with (
        serving("serve", bundle_path, folder / "", env) as one,
        serving("uvicorn", bundle_path, folder / "", env) as other,
    ):
        yield [one, other]


def ask(server: Server, path: str, body: Any) -> tuple[int, dict[str, Any]]:  # noqa: ANN401
    status, said = asking.ask(server.port, path, body, _PATIENCE)
    return status, json.loads(said)


def shown(number: int) -> dict[str, Any]:
    return {"type": "impression", "display_id": f"shared-{number}", "ad": 101, "uuid": "u1",
            "platform": "mobile", "price": 1.0}  # fmt: skip


def test_an_event_counts_once_whichever_service_hears_of_it(services: list[Server]) -> None:
    one, other = services
    status, told = ask(one, "/events", {"events": [shown(1)]})
    assert (status, told["impressions"], told["durability"]) == (200, 1, "disk")
    status, told = ask(other, "/events", {"events": [shown(1), {**shown(1), "type": "click"}]})
    assert (status, told["duplicates"], told["clicks"]) == (200, 1, 1)
    assert ask(one, "/health", None)[1]["store"] == "ok"
    assert {ask(server, "/rank", RANK)[1]["counters"] for server in services} == {"live"}


def test_a_store_that_is_away_shows_before_anybody_is_scored(
    services: list[Server], redis: RedisServer
) -> None:
    server = services[0]
    redis.kill()
    in_time(lambda: bool(ask(server, "/health", None)[1]["store"] == "away"))
    assert server.gauge("ctr_store_away") == 1
    redis.start()
    in_time(lambda: bool(ask(server, "/health", None)[1]["store"] == "ok"))
    assert server.gauge("ctr_store_away") == 0


def test_without_the_store_scores_are_frozen_and_events_are_refused(
    services: list[Server], redis: RedisServer
) -> None:
    server = services[0]
    redis.kill()
    for path in ("/rank", "/predict"):
        status, answer = ask(server, path, ORDINARY[path])
        assert (status, answer["counters"]) == (200, "frozen")
    assert ask(server, "/health", None)[1]["store"] == "away"
    assert ask(server, "/health/ready", None)[0] == 200
    status, said = ask(server, "/events", {"events": [shown(2)]})
    assert status == 503
    assert "events may not have been counted: send them again" in said["detail"]
    assert server.gauge("ctr_store_away") == 1
    assert server.gauge('ctr_frozen_total{route="/rank"}') >= 1
    assert "/events: StoreAwayError: redis://" in server.said()
    assert "Traceback" not in server.said()
    redis.start()
    in_time(lambda: bool(ask(server, "/rank", RANK)[1]["counters"] == "live"))
    status, told = ask(server, "/events", {"events": [shown(2), shown(1)]})
    assert (status, told["impressions"], told["duplicates"]) == (200, 1, 1)
    assert server.gauge("ctr_store_away") == 0
