"""A container that is told to end, while it is asked."""

import time

import pytest

from tests.stack.balancer import Balancer
from tests.stack.container import started
from tests.stack.engine import Engine
from tests.stack.load import Load

pytestmark = pytest.mark.stack
HEARD = 2.0
"""Seconds until a balancer has heard that a container goes; less than it drains."""
DRAIN = "5"


def test_sigterm_under_load_fails_no_request(engine: Engine, service_image: str) -> None:
    # the bundle of the tests allows less than services do by default
    named = (f"CTR_DRAIN_SECONDS={DRAIN}", "CTR_STORE=memory", "CTR_MAX_IN_FLIGHT=64")
    drains = [part for one in named for part in ("--env", one)]
    with (
        started(engine, service_image, *drains) as ends,
        started(engine, service_image, *drains) as stays,
        Balancer() as balancer,
    ):
        balancer.add(ends.port)
        balancer.add(stays.port)
        with Load(balancer.port) as load:
            load.go_on(2)
            engine.podman("kill", "--signal", "TERM", ends.name)
            began = time.monotonic()
            load.go_on(HEARD)
            balancer.remove(ends.port)
            assert ends.exit_status() == 0
            assert time.monotonic() - began >= float(DRAIN)
            load.go_on(1)
        assert load.failed == load.lost == []
        assert load.answered > 100
