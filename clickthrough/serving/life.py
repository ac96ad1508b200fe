"""The life of a service: ready, following its bundle, draining, closed."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)

from fastapi import FastAPI

from clickthrough.serving.draining import draining
from clickthrough.serving.environment import Environment
from clickthrough.serving.garbage import loaded_for_good
from clickthrough.serving.waiting import REFUSAL
from clickthrough.serving.watch import Watch

_SWITCH = 0.0005
"""Seconds until a thread that scores lets another run Python. The event loop gives its turn away
with every read and write of a socket: by default (5 ms) even a refusal would take 15 ms."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[dict[str, object]]]


def lifespan(environment: Environment) -> Lifespan:
    """Return what happens before an app takes requests, and after the last."""

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        def begin_draining() -> None:
            app.state.ready = False

        async with _watching(app, environment.watch_seconds):
            drains = draining(environment.drain_seconds, begin_draining)
            with drains, _switching(_SWITCH), loaded_for_good():
                app.state.ready = True
                yield {REFUSAL: app.state.refusal}
                app.state.ready = False
        app.state.current.close()

    return live


@contextmanager
def _switching(seconds: float) -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@asynccontextmanager
async def _watching(app: FastAPI, seconds: float) -> AsyncIterator[None]:
    if not seconds:
        yield
        return
    watching = asyncio.create_task(Watch(app.state.current).go_on(seconds))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
