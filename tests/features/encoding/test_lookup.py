"""The index finds what bisection finds."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.features.encoding import index
from clickthrough.features.encoding.index import ValueIndex
from clickthrough.features.encoding.vocabulary import Vocabulary, shorten
from clickthrough.features.lists import to_array
from clickthrough.schema import MISSING_INT

NUMBERS = st.one_of(st.integers(-5, 60), st.integers(MISSING_INT + 1, -MISSING_INT - 1))
TEXTS = st.one_of(
    st.text("ab\0é", min_size=1, max_size=20),
    st.text("ab", min_size=40, max_size=60),
    st.text(min_size=1, max_size=9),
)


def numbers_of(values: set[int]) -> Vocabulary:
    return Vocabulary(np.array(sorted(values), np.int64))


def texts_of(values: set[str]) -> Vocabulary:
    made = np.unique(shorten(to_array(sorted(values), "str")))
    return Vocabulary(made[made != b""])


@settings(deadline=None, max_examples=300)
@given(
    known=st.tuples(st.sets(NUMBERS, max_size=60), st.sets(NUMBERS, max_size=60)),
    words=st.tuples(st.sets(TEXTS, max_size=60), st.sets(TEXTS, max_size=60)),
    data=st.data(),
)
def test_an_index_finds_what_the_vocabularies_hold(
    known: tuple[set[int], set[int]],
    words: tuple[set[str], set[str]],
    data: Any,  # noqa: ANN401
) -> None:
    vocabularies = [*map(numbers_of, known), *map(texts_of, words)]
    owns: list[Any] = [*known, *words]
    asked: list[list[Any]] = [
        data.draw(st.lists(st.one_of(st.none(), st.sampled_from(sorted(own) or [None]), other)))
        for own, other in zip(owns, [NUMBERS, NUMBERS, TEXTS, TEXTS], strict=True)
    ]
    fields = np.arange(4).repeat([len(values) for values in asked])
    found = ValueIndex(vocabularies).ids(asked[0] + asked[1], asked[2] + asked[3], fields)
    kinds = ("int", "int", "str", "str")
    expected = [
        vocabulary.encode(to_array(values, kind)).tolist()  # type: ignore[arg-type]
        for vocabulary, values, kind in zip(vocabularies, asked, kinds, strict=True)
    ]
    assert found.tolist() == [one for ids in expected for one in ids]


@pytest.mark.parametrize("slots", [2.5, 1.0, 0.3])
def test_full_buckets_are_bisected(monkeypatch: pytest.MonkeyPatch, slots: float) -> None:
    monkeypatch.setattr(index, "_SLOTS_A_VALUE", slots)
    values = np.arange(0, 30_000, 3)
    words = np.unique(np.array([f"word {value}".encode() for value in values]))
    made = ValueIndex([Vocabulary(values), Vocabulary(words)])
    asked = np.arange(30_000)
    texts = [f"word {value}" for value in asked]
    found = made.ids(asked.tolist(), texts, np.arange(2).repeat(30_000))
    assert (found[:30_000] == Vocabulary(values).encode(asked)).all()
    assert (found[30_000:] == Vocabulary(words).encode(to_array(texts, "str"))).all()
    assert (found > 1).sum() == 20_000


def test_texts_longer_than_any_known_one_do_not_widen_the_vocabulary() -> None:
    words = Vocabulary(np.array([b"ab", b"abc"]))
    asked = to_array(["ab", "abc", "abcd", "x" * 90, None], "str")
    assert words.encode(asked).tolist() == [2, 3, 1, 1, 0]
