"""Work on several things at once, and take what comes of each in their order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import polars as pl

from clickthrough.freed_memory import give_back_freed_memory

_MOST = 8
"""Each holds what it works on, some hundred megabytes of a large log."""
S = TypeVar("S")
T = TypeVar("T")


def in_turn(work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """Yield what comes of each item; as many are worked on as Polars has threads, eight at most.

    So little is begun ahead that memory holds the results of a few items.
    """
    most = min(_MOST, pl.thread_pool_size())
    begun: deque[Future[T]] = deque()
    try:
        with ThreadPoolExecutor(most) as pool:
            try:
                for item in items:
                    begun.append(pool.submit(work, item))
                    if len(begun) > most:
                        yield begun.popleft().result()
                while begun:
                    yield begun.popleft().result()
            finally:
                for future in begun:
                    future.cancel()
    finally:
        give_back_freed_memory()
