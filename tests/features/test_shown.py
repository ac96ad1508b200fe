"""Values in messages: short, and cut before they are written out."""

import tracemalloc
from typing import Any

import pytest

from clickthrough.features.shown import cut, shown

LOOPED: list[Any] = [1]
LOOPED.append(LOOPED)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("seven", "'seven'"),
        ("\ud800", "'\\ud800'"),
        (5, "5"),
        (2.5, "2.5"),
        (None, "None"),
        (True, "True"),
        ([1, "a"], "[1, 'a']"),
        ({"a": [1]}, "{'a': [1]}"),
        ([[[1]]], "[[[…]]]"),
        ([[[]]], "[[[]]]"),
        ([], "[]"),
        (list(range(9)), "[0, 1, 2, 3, 4, 5, 6, 7, …]"),
        (LOOPED, "[1, [1, […]]]"),
        (object(), "a value of type object"),
    ],
)
def test_a_value_is_written_as_its_sender_knows_it(value: object, expected: str) -> None:
    assert shown(value) == expected


LONG = "x" * 4_000_000
HUGE: list[object] = [
    LONG,
    LONG.encode(),
    "\0" * 1_000_000,
    [LONG] * 1_000,
    {LONG + str(i): LONG for i in range(2)},
    [[[0] * 1_000] * 1_000] * 1_000,
    {i: i for i in range(100_000)},
    10**1_000_000,
]


@pytest.mark.parametrize("value", HUGE, ids=range(len(HUGE)))
def test_it_is_short_and_never_written_out_as_a_whole(value: object) -> None:
    tracemalloc.start()
    try:
        text = shown(value)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(text) <= 80
    assert peak < 50_000


def test_a_huge_number_is_not_written_out() -> None:
    assert shown(10**80) == "a whole number of 266 bits"
    assert shown([-(10**10_000)]) == "[a whole number of 33,220 bits]"


def test_what_is_cut_says_so() -> None:
    assert cut("abcd", 4) == "abcd"
    assert cut("abcde", 4) == "abc…"
    assert shown("y" * 79)[-1] == "…"
