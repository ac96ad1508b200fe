import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.bundle import Bundle
from clickthrough.bundle.load import load_encoder
from clickthrough.features.encoding.vocabulary import (
    FIRST_KNOWN,
    MISSING,
    UNSEEN,
    Vocabulary,
    shorten,
)
from clickthrough.schema import MISSING_INT

WHOLE = st.integers(MISSING_INT + 1, 2**63 - 1)
TEXTS = st.text(min_size=1, max_size=8).map(str.encode).filter(lambda t: not t.endswith(b"\0"))


@settings(deadline=None)
@given(known=st.sets(WHOLE, max_size=20), asked=st.lists(WHOLE, max_size=20))
def test_numbers_get_the_id_of_their_place(known: set[int], asked: list[int]) -> None:
    values = sorted(known)
    ids = {value: place + FIRST_KNOWN for place, value in enumerate(values)}
    asked = [*asked, *values]
    vocabulary = Vocabulary(np.array(values, np.int64))
    found = vocabulary.encode(np.array([*asked, MISSING_INT], np.int64))
    assert found.tolist() == [*(ids.get(value, UNSEEN) for value in asked), MISSING]
    assert vocabulary.size == len(values) + 2
    assert found.dtype == np.int32


@settings(deadline=None)
@given(known=st.sets(TEXTS, max_size=20), asked=st.lists(TEXTS, max_size=20))
def test_texts_get_the_id_of_their_place(known: set[bytes], asked: list[bytes]) -> None:
    values = sorted(known)
    ids = {value: place + FIRST_KNOWN for place, value in enumerate(values)}
    asked = [*asked, *values]
    found = Vocabulary(np.array(values, np.bytes_)).encode(np.array([*asked, b""], np.bytes_))
    assert found.tolist() == [*(ids.get(value, UNSEEN) for value in asked), MISSING]


def test_a_longer_text_is_not_its_known_beginning() -> None:
    words = Vocabulary(np.array([b"ab", b"abcd"]))
    assert words.encode(np.array([b"abc", b"a", b"abcde", b"ab", b"abcd"])).tolist() == [
        UNSEEN,
        UNSEEN,
        UNSEEN,
        2,
        3,
    ]


def test_an_empty_vocabulary_still_tells_missing_from_unseen() -> None:
    assert Vocabulary(np.array([], np.int64)).encode(np.array([5, MISSING_INT])).tolist() == [1, 0]
    assert Vocabulary(np.array([], np.bytes_)).encode(np.array([b"a", b""])).tolist() == [1, 0]


def test_long_texts_of_one_beginning_keep_apart_and_in_48_bytes() -> None:
    texts = [b"x" * 60 + tail for tail in (b"1", b"2", b"1" * 300)]
    short = shorten(np.array([*texts, b"x" * 48, b"brief"]))
    assert len(set(short.tolist())) == 5
    assert short.dtype.itemsize == 48
    assert short[3:].tolist() == [b"x" * 48, b"brief"]
    vocabulary = Vocabulary(np.unique(short))
    ids = vocabulary.encode(np.array([*texts, b"x" * 60 + b"3"]))
    assert ids[3] == UNSEEN
    assert len(set(ids.tolist())) == 4


def test_how_a_text_is_shortened_does_not_depend_on_its_neighbours() -> None:
    long = b"y" * 50
    alone, among = shorten(np.array([long])), shorten(np.array([long, b"z" * 500, b"a"]))
    assert alone[0] == among[0]


def test_a_vocabulary_of_long_texts_knows_them_beside_short_ones() -> None:
    long = "æ" * 100
    vocabulary = Vocabulary(np.unique(shorten(np.array([long.encode(), b"b"]))))
    assert sorted(vocabulary.encode(np.array([b"b", long.encode()])).tolist()) == [2, 3]
    assert vocabulary.encode(np.array([b"b"])).tolist() != [UNSEEN]


MANY = 10_000_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Ten million sorted numbers, none of them a multiple of 3, in a file of 80 MB."""
    path = tmp_path_factory.mktemp("large") / "values.npy"
    places = np.arange(MANY)
    np.save(path, places // 2 * 3 + places % 2 + 1 - 3 * MANY // 4, allow_pickle=False)
    yield path
    path.unlink()


def value_at(place: int) -> int:
    return place // 2 * 3 + place % 2 + 1 - 3 * MANY // 4


def test_ten_million_values_stay_in_their_file(large: Path) -> None:
    asked = np.random.default_rng(1).integers(0, MANY, 1_000)
    asked = np.concatenate([asked, [0, 1, MANY - 1]])
    known = np.array([value_at(int(place)) for place in asked])
    absent = np.array([MISSING_INT, 0, 3, -3, value_at(0) - 1, value_at(MANY - 1) + 1, 2**62])
    tracemalloc.start()
    try:
        values = np.load(large, "r", allow_pickle=False)
        vocabulary = Vocabulary(values)
        found = vocabulary.encode(known)
        others = vocabulary.encode(absent)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(values, np.memmap)
    assert vocabulary.values is values
    assert most < 1_000_000 < values.nbytes
    assert vocabulary.size == MANY + 2
    assert found.tolist() == [int(place) + FIRST_KNOWN for place in asked]
    assert others.tolist() == [MISSING, *[UNSEEN] * 6]


def test_a_bundle_maps_its_vocabularies_and_never_reads_them_whole(
    large: Path, bundle: Bundle, tmp_path: Path
) -> None:
    copy = shutil.copytree(bundle.path, tmp_path / "bundle")
    shutil.copy(large, copy / "cat_vocab" / "item.npy")
    tracemalloc.start()
    try:
        encoder = load_encoder(copy, bundle.plan, bundle.schema)
        found = encoder.vocabularies["item"].encode(np.array([value_at(7), 3]))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    values = encoder.vocabularies["item"].values
    assert isinstance(values, np.memmap)
    assert not values.flags.writeable
    assert most < 10_000_000 < values.nbytes
    assert found.tolist() == [7 + FIRST_KNOWN, UNSEEN]
    assert encoder.id_sizes["item"] == MANY + 2
    assert all(
        isinstance(vocabulary.values, np.memmap) for vocabulary in encoder.vocabularies.values()
    )
