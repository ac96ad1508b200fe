import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clickthrough.features.encoding.hashing import hashed_ids
from clickthrough.features.encoding.vocabulary import FIRST_KNOWN, MISSING
from clickthrough.schema import MISSING_INT

WHOLE = st.integers(MISSING_INT + 1, 2**63 - 1)
TEXTS = st.text(min_size=1, max_size=30).map(str.encode).filter(lambda text: b"\0" not in text)
BUCKETS = st.integers(2, 100_000)


@settings(deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=20), buckets=BUCKETS, width=st.integers(1, 200))
def test_a_text_has_one_id_whatever_stands_beside_it(
    texts: list[bytes], buckets: int, width: int
) -> None:
    alone = [int(hashed_ids(np.array([text]), buckets)[0]) for text in texts]
    among = hashed_ids(np.array([*texts, b"x" * width], np.bytes_), buckets)
    assert among[:-1].tolist() == alone


@settings(deadline=None)
@given(values=st.lists(WHOLE, min_size=1, max_size=20), buckets=BUCKETS)
def test_a_number_has_one_id_whatever_stands_beside_it(values: list[int], buckets: int) -> None:
    alone = [int(hashed_ids(np.array([value]), buckets)[0]) for value in values]
    assert hashed_ids(np.array([*values, 7]), buckets)[:-1].tolist() == alone


@settings(deadline=None)
@given(values=st.lists(WHOLE, max_size=20), texts=st.lists(TEXTS, max_size=20), buckets=BUCKETS)
def test_only_what_is_missing_has_the_id_0_and_none_is_unseen(
    values: list[int], texts: list[bytes], buckets: int
) -> None:
    for asked, missing in (
        (np.array([*values, MISSING_INT], np.int64), MISSING_INT),
        (np.array([*texts, b""], np.bytes_), b""),
    ):
        ids = hashed_ids(asked, buckets)
        assert ids.dtype == np.int32
        assert ids[-1] == MISSING
        known = ids[asked != missing]
        assert (known >= FIRST_KNOWN).all()
        assert (known < FIRST_KNOWN + buckets).all()


def mixed(word: int) -> int:
    """The finalizer of SplitMix64, in numbers without a bound."""
    word = (word + 0x9E3779B97F4A7C15) % 2**64
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) % 2**64
    return word ^ (word >> 31)


def fnv(text: bytes) -> int:
    state = 0xCBF29CE484222325
    for letter in text:
        state = ((state ^ letter) * 0x100000001B3) % 2**64
    return state


@settings(deadline=None)
@given(value=WHOLE, text=TEXTS, buckets=BUCKETS)
def test_an_id_is_that_of_the_published_hashes(value: int, text: bytes, buckets: int) -> None:
    expected = [mixed(value % 2**64) % buckets + FIRST_KNOWN]
    assert hashed_ids(np.array([value]), buckets).tolist() == expected
    expected = [mixed(fnv(text)) % buckets + FIRST_KNOWN]
    assert hashed_ids(np.array([text]), buckets).tolist() == expected


def test_the_ids_of_a_trained_model_never_change() -> None:
    numbers = np.array([0, 1, -1, 2**63 - 1, 9_999_999])
    texts = np.array([text.encode() for text in ("a", "ab", "Århus", "x" * 100)])
    assert hashed_ids(numbers, 10_000).tolist() == [7537, 2467, 3938, 2041, 6119]
    assert hashed_ids(texts, 10_000).tolist() == [6585, 3943, 1004, 2541]


MANY = 200_000


def spread(kind: str) -> NDArray[np.generic]:
    numbers = np.arange(MANY)
    if kind == "neighbours":
        return numbers
    if kind == "multiples":  # ids that a database gave out in steps
        return numbers * 1_024
    if kind == "large":
        return numbers + 2**60
    return np.char.add("user-", numbers.astype("U")).astype(np.bytes_)


@pytest.mark.parametrize("kind", ["neighbours", "multiples", "large", "texts"])
@pytest.mark.parametrize("buckets", [64, 1_000])
def test_values_spread_evenly_over_the_buckets(kind: str, buckets: int) -> None:
    counts = np.bincount(hashed_ids(spread(kind), buckets), minlength=buckets + 2)
    assert counts[:FIRST_KNOWN].sum() == 0
    counts, mean = counts[FIRST_KNOWN:], MANY / buckets
    # six standard deviations of a bucket, and of the chi-squared statistic of all
    assert np.abs(counts - mean).max() < 6 * np.sqrt(mean)
    statistic = float(((counts - mean) ** 2 / mean).sum())
    assert abs(statistic - (buckets - 1)) < 6 * np.sqrt(2 * buckets)


@pytest.mark.parametrize("kind", ["neighbours", "multiples", "large", "texts"])
def test_few_values_share_an_id_where_there_are_many_buckets(kind: str) -> None:
    buckets = 2**31 - 3
    ids = hashed_ids(spread(kind), buckets)
    shared = MANY - len(np.unique(ids))
    assert shared < 3 * MANY**2 / (2 * buckets) + 10


def test_no_values_have_no_ids() -> None:
    assert hashed_ids(np.empty(0, np.int64), 10).shape == (0,)
    assert hashed_ids(np.empty(0, np.bytes_), 10).shape == (0,)
