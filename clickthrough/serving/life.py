"""The life of a service: ready, following its bundle, draining, closed."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
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
from clickthrough.serving.guard import GUARD, Guard
from clickthrough.serving.watch import Watch

_SWITCH = 0.0001
"""Seconds until a thread that scores lets another run Python. The event loop gives its turn away
with every read and write of a socket: by default (5 ms) even a refusal would take 15 ms."""

_PROTOCOLS = "clickthrough.serving.connections"
"""Imported by whoever runs the service under its protocols, and by nobody else."""

_log = logging.getLogger("clickthrough.serving")
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[dict[str, object]]]


def lifespan(environment: Environment) -> Lifespan:
    """Return what happens before an app takes requests, and after the last."""

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        def begin_draining() -> None:
            app.state.ready, app.state.draining = False, True

        guard = Guard(lambda: app.state.current.settings)
        _say_what_does_not_hold(environment, app.state.current.predictor.store.remote)
        watch = Watch(app.state.current)
        async with _going_on(watch.go_on(environment.watch_seconds)), _going_on(guard.go_on()):
            drains = draining(environment.drain_seconds, begin_draining)
            with drains, _switching(_SWITCH), loaded_for_good():
                app.state.ready = True
                yield {GUARD: guard}
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
async def _going_on(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Let work go on while the block runs."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _say_what_does_not_hold(environment: Environment, shared: bool) -> None:
    """Say in a line each what this process leaves open.

    Args:
        environment: of the process.
        shared: whether services on other machines count in the same store.
    """
    if environment.events_token is None:
        _log.warning("/events takes events from whoever reaches the port (CTR_EVENTS_TOKEN)")
    if environment.in_cluster and not shared:
        _log.warning(
            "the store is this pod's own: with several replicas each would count only the events "
            "that it hears of; CTR_STORE=redis://HOST is one for all"
        )
    if _PROTOCOLS not in sys.modules:
        _log.warning(
            "plain uvicorn: slow heads, what stands around bodies, unread answers and the number "
            "of connections are not bounded; clickthrough serve bounds them, or uvicorn "
            "--http clickthrough.serving.connections:GuardedProtocol"
        )
