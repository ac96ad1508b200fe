"""Where values stand in many vocabularies at once, by hashing instead of bisection.

Bisection waits for memory at each of its steps, one after another; here every value of a request
costs one look, and the processor has many of them under way. Whole numbers are told apart by their
hashes exactly; a text that was never met is taken for a known one with a chance of one in 2^64 for
each value of its field. What an index cannot decide is bisected.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clickthrough.features.encoding.vocabulary import FIRST_KNOWN, MISSING, UNSEEN, Vocabulary
from clickthrough.schema import MISSING_INT

Words = NDArray[np.uint64]
Ids = NDArray[np.int32]

MOST_INDEXED = 1_000_000
"""A field with more values is bisected: its index would take too long and too much memory."""
_SLOTS_A_VALUE = 2.5
_WINDOW = 8
"""A value lies in one of so many slots from the one that its hash names: 64 bytes."""
_STEPS = np.arange(_WINDOW)
_WORD = 8
_EMPTY = np.uint64(0)


class ValueIndex:
    """An index of several vocabularies.

    Args:
        vocabularies: of each field: those of whole numbers, then those of texts.
    """

    def __init__(self, vocabularies: Sequence[Vocabulary]) -> None:
        self._vocabularies = vocabularies
        texts = [v for v in vocabularies if v.values.dtype.kind == "S"]
        width = max((v.values.dtype.itemsize for v in texts), default=_WORD)
        self._width = _WORD * -(-width // _WORD)
        sizes = [int(_SLOTS_A_VALUE * len(v.values)) + 1 for v in vocabularies]
        self._sizes = np.array(sizes, np.uint64)
        self._bases = np.cumsum([0, *(size + _WINDOW for size in sizes)])
        self._slots = np.zeros(self._bases[-1], np.uint64)  # hashes
        self._ids = np.zeros(self._bases[-1], np.int32)
        for field, vocabulary in enumerate(vocabularies):
            self._insert(field, vocabulary.values)

    def ids(
        self,
        numbers: Sequence[int | None],
        texts: Sequence[str | None],
        fields: NDArray[np.int64],
    ) -> Ids:
        """Return the id of each value in the vocabulary of its field.

        Args:
            numbers: None where missing.
            texts: None where missing.
            fields: the number of each number's field, then of each text's, shape (m,).
        """
        whole = np.array([MISSING_INT if v is None else v for v in numbers], np.int64)
        encoded = [b"" if v is None else v.encode() for v in texts]
        padded = np.array(encoded, f"S{self._width}")
        ids, undecided = self._look(np.concatenate([_hash(whole), _hash(padded)]), fields)
        ids[: len(whole)][whole == MISSING_INT] = MISSING
        ids[len(whole) :][padded == b""] = MISSING
        undecided += [
            place for place, text in enumerate(encoded, len(whole)) if len(text) > self._width
        ]
        for place in undecided:
            text = encoded[place - len(whole) :][:1] if place >= len(whole) else None
            value = whole[place : place + 1] if text is None else np.array(text)
            ids[place] = self._vocabularies[fields[place]].encode(value)[0]
        return ids

    def _look(self, hashes: Words, fields: NDArray[np.int64]) -> tuple[Ids, list[int]]:
        """Return what the slots say, and which values they leave undecided."""
        first = self._bases[fields] + (hashes % self._sizes[fields]).view(np.int64)
        slots = self._slots[first[:, None] + _STEPS]
        same = slots == hashes[:, None]
        ids = self._ids[first + same.argmax(axis=1)]
        unmet = (~same.any(axis=1)).nonzero()[0]
        ids[unmet] = UNSEEN
        undecided: list[int] = unmet[slots[unmet].all(axis=1)].tolist()
        return ids, undecided

    def _insert(self, field: int, values: NDArray[np.generic]) -> None:
        """Fill the slots of a field; a value whose window is full is left to bisection."""
        texts = values.dtype.kind == "S"
        hashes = _hash(values.astype(f"S{self._width}" if texts else np.int64))
        ids = np.arange(FIRST_KNOWN, len(values) + FIRST_KNOWN, dtype=np.int32)
        places = self._bases[field] + (hashes % self._sizes[field]).view(np.int64)
        for _ in range(_WINDOW):
            free = self._slots[places] == _EMPTY
            self._slots[places[free]] = hashes[free]
            placed = self._slots[places] == hashes
            self._ids[places[placed]] = ids[placed]
            places, hashes, ids = places[~placed] + 1, hashes[~placed], ids[~placed]


def _hash(values: NDArray[np.generic]) -> Words:
    """Hash numbers, or texts padded to whole words; never to 0, which two numbers share with 1."""
    words = values.view(np.uint64).reshape(len(values), values.dtype.itemsize // _WORD)
    state = _mixed(words[:, 0])
    for place in range(1, words.shape[1]):
        state = _mixed(state ^ words[:, place])
    return np.maximum(state, 1)


def _mixed(words: Words) -> Words:
    """Apply the generator SplitMix64 (Steele et al., 2014), a bijection."""
    state = words + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
