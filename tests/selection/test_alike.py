"""Features that say the same."""

import numpy as np

from clickthrough.selection.alike import near_duplicates


def columns(**given: np.ndarray) -> np.ndarray:
    return np.stack(list(given.values()), axis=1).astype(np.float32)


def test_the_worse_of_two_that_say_the_same_is_named() -> None:
    rng = np.random.default_rng(1)
    own, other = rng.normal(size=(2, 3_000))
    matrix = columns(a=own, b=np.exp(own), c=other, d=own + 1e-4 * rng.normal(size=3_000))
    origins = ["a", "b", "c", "d"]
    assert near_duplicates(matrix, origins, ["d", "c", "a", "b"], 0.995) == {"a": "d", "b": "d"}
    assert near_duplicates(matrix, origins, ["b", "a"], 0.995) == {"a": "b"}


def test_a_feature_with_a_column_of_its_own_says_more() -> None:
    rng = np.random.default_rng(2)
    own, other = rng.normal(size=(2, 3_000))
    matrix = columns(first=own, rate=own, rank=other)
    origins = ["first", "counter", "counter"]
    assert near_duplicates(matrix, origins, ["first", "counter"], 0.995) == {}
    assert near_duplicates(matrix, origins, ["counter", "first"], 0.995) == {"first": "counter"}


def test_constant_columns_say_nothing_and_are_nobodys_duplicates() -> None:
    rng = np.random.default_rng(3)
    own = rng.normal(size=500)
    matrix = columns(a=own, none=np.zeros(500), less=np.zeros(500), b=-own)
    origins = ["a", "none", "less", "b"]
    assert near_duplicates(matrix, origins, ["none", "a", "less", "b"], 0.995) == {"b": "a"}
