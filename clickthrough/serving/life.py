"""The life of a service: ready, following its bundle, draining, closed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from fastapi import FastAPI

from clickthrough.serving.draining import draining
from clickthrough.serving.environment import Environment
from clickthrough.serving.watch import Watch

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def lifespan(environment: Environment) -> Lifespan:
    """Return what happens before an app takes requests, and after the last."""

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        def begin_draining() -> None:
            app.state.ready = False

        async with _watching(app, environment.watch_seconds):
            with draining(environment.drain_seconds, begin_draining):
                app.state.ready = True
                yield
                app.state.ready = False
        app.state.current.close()

    return live


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
