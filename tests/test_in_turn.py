"""Several things are worked on at once, and what comes of them is taken in order."""

import threading
import time
from collections.abc import Iterator

import polars as pl
import pytest

from clickthrough.in_turn import in_turn


@pytest.fixture(params=[1, 3], autouse=True)
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    most: int = request.param
    monkeypatch.setattr(pl, "thread_pool_size", lambda: most)
    return most


def test_what_comes_of_items_keeps_their_order() -> None:
    def work(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0)
        return number * number

    assert [*in_turn(work, range(20))] == [number * number for number in range(20)]
    assert [*in_turn(work, [])] == []


def test_little_is_begun_ahead(threads: int) -> None:
    given: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            given.append(number)
            yield number

    for taken, _ in enumerate(in_turn(lambda number: number, items()), start=1):
        assert len(given) <= taken + threads + 1


def test_an_error_comes_out_and_ends_the_work(threads: int) -> None:
    done, before = set(), {*threading.enumerate()}

    def work(number: int) -> None:
        if number == 4:
            raise ValueError("four")
        done.add(number)

    with pytest.raises(ValueError, match="four"):
        [*in_turn(work, range(1_000))]
    assert {0, 1, 2, 3} <= done
    assert len(done) <= 5 + threads
    assert {*threading.enumerate()} <= before
