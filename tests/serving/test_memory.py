"""Answering leaves nothing behind: no memory grows with the number of requests."""

import asyncio
import gc
import tracemalloc
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clickthrough.serving.app import create_app
from clickthrough.serving.batcher import SMALL
from tests.logs import raw_rows
from tests.serving.asking import Caller, caller

pytestmark = pytest.mark.slow

ROUNDS, REQUESTS = 4, 400
MOST = 24.0
"""Bytes a request: the least object and a reference to it. Numpy fills caches of its own, up to a
bound: by some bytes a request at first."""


class Leaking:
    """An application that keeps what it was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.kept: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def keeping() -> Message:
            self.kept.append(await receive())
            return self.kept[-1]

        await self.app(scope, keeping, send)


def growth(app: ASGIApp, asked: Sequence[Caller]) -> float:
    """Return the bytes that a request leaves behind: the median of rounds, after two others."""

    async def go() -> list[int]:
        sizes = []
        for _ in range(ROUNDS + 2):
            for place in range(REQUESTS):
                one = asked[place % len(asked)]
                done = await Caller(one.path, bytes(bytearray(one.body))).ask(app)
                assert done.status is not None
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
        return sizes

    tracemalloc.start()
    try:
        sizes = asyncio.run(go())
    finally:
        tracemalloc.stop()
    steps = sorted(after - before for before, after in pairwise(sizes[2:]))
    return steps[len(steps) // 2] / REQUESTS


@pytest.fixture(scope="module")
def asked(log: pl.DataFrame) -> list[Caller]:
    """Requests of every kind: small, large, good, bad, and events that are known already."""
    rows = raw_rows(log.tail(15))
    bodies: list[tuple[str, Any]] = [
        ("/predict", {"impressions": rows[:1]}),
        ("/rank", {"candidates": rows}),
        ("/predict", {"impressions": [{"ad": "seven"}]}),
        ("/events", {"events": [{**row, "type": "impression"} for row in rows[:2]]}),
        ("/rank", {"candidates": [{}] * (SMALL + 1)}),
        ("/rank", {"candidates": 7}),
        ("/model/reload", None),
    ]
    return [*(caller(path, body) for path, body in bodies), Caller("/events", b"{")]


def test_requests_leave_nothing_behind(bundle_path: Path, asked: list[Caller]) -> None:
    assert growth(create_app(bundle_path, "memory"), asked) < MOST


def test_the_check_sees_a_leak(bundle_path: Path, asked: list[Caller]) -> None:
    assert growth(Leaking(create_app(bundle_path, "memory")), asked) > 10 * MOST
