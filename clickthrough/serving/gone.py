"""Work for a caller who may go away before it is begun."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from starlette.types import Receive

T = TypeVar("T")


class Gone(Exception):  # noqa: N818 - no error
    """The caller has gone: nobody waits for an answer."""


async def unless_gone(threads: Executor, work: Callable[[], T], receive: Receive) -> T:
    """Do work on a thread, unless the caller goes away while it waits for its turn.

    Args:
        threads: one after another does what it was given.
        work: what is to be done.
        receive: the request's channel, its body already read: only the caller's going is left.

    Raises:
        Gone: the caller went. Work that was begun has been ended all the same: until then it takes
            the place of another.
    """
    given = threads.submit(work)
    answered = asyncio.wrap_future(given)
    leaving = asyncio.ensure_future(receive())
    try:
        await asyncio.wait((answered, leaving), return_when=asyncio.FIRST_COMPLETED)
        if answered.done():
            return answered.result()
        if not given.cancel():
            await asyncio.wait((answered,))
        raise Gone
    finally:
        leaving.cancel()
