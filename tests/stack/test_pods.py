"""The manifests, played: they answer, share a store, and are replaced without a failed request."""

import secrets as random

import pytest

from tests.deploy.render import CONFIG, plain, render
from tests.serving.hostile.servers import ORDINARY, ROW
from tests.stack.balancer import Balancer
from tests.stack.container import ask
from tests.stack.engine import Engine
from tests.stack.load import Load
from tests.stack.pods import cluster, of_this_machine

pytestmark = pytest.mark.stack


def test_the_two_files_alone(engine: Engine, service_image: str) -> None:
    with cluster(engine, of_this_machine(plain(), service_image)) as made:
        pod = made.play()
        pod.until_ready(made.container["startupProbe"])
        for path, body in ORDINARY.items():
            status, said = ask(pod.port, path, body)
            assert status == 200, (path, said)
        assert ask(pod.port, made.container["livenessProbe"]["httpGet"]["path"])[0] == 200
        pod.end(made.deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"])
        assert pod.statuses() == [0]


def test_a_rolling_restart_under_load_fails_no_request(
    engine: Engine, service_image: str, redis_image: str
) -> None:
    documents = of_this_machine(render(CONFIG / "overlays" / "staging"), service_image)
    secrets = {"CTR_STORE_PASSWORD": random.token_hex(16)}
    with cluster(engine, documents, secrets) as made, Balancer() as balancer:
        store = made.play_store()
        old = [made.play() for _ in range(2)]
        for pod in old:
            pod.until_ready(made.container["startupProbe"])
            balancer.add(pod.port)
        with Load(balancer.port) as load:
            load.go_on(2)
            new = made.roll(old, balancer)
            load.go_on(2)
        assert load.failed == load.lost == []
        assert load.answered > 500
        assert [pod.statuses() for pod in old] == [[0], [0]]
        _share_their_counters([pod.port for pod in new])
        store.end(10)
        _go_on_without_a_store(new[0].port)


def _share_their_counters(ports: list[int]) -> None:
    """What one has heard of, the other knows."""
    first, second = ports
    body = {"events": [{"type": "impression", "display_id": "shared", **ROW}]}
    assert ask(first, "/events", body)[1]["impressions"] == 1
    assert ask(second, "/events", body)[1]["duplicates"] == 1
    assert ask(second, "/events", body)[1]["durability"] == "second"


def _go_on_without_a_store(port: int) -> None:
    """Answers say that they are made without it; events are refused, to be sent again."""
    assert ask(port, "/events", ORDINARY["/events"])[0] == 503
    status, said = ask(port, "/rank", ORDINARY["/rank"])
    assert (status, said["counters"]) == (200, "frozen")
    assert ask(port, "/health")[1]["store"] == "away"
    assert ask(port, "/health/ready")[0] == 200
