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
_BUCKET = 8
"""A value lies in one of so many slots, those of its bucket: 64 bytes."""
_WORD = 8
_ONE = np.uint64(1)


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
        self._dtype = np.dtype(f"S{self._width}")
        # any odd numbers, one a word
        self._odds = _mixed(np.arange(1, self._width // _WORD + 1, dtype=np.uint64)) | np.uint64(1)
        sizes = [int(_SLOTS_A_VALUE / _BUCKET * len(v.values)) + 1 for v in vocabularies]
        self._sizes = np.array(sizes, np.uint64)
        *bases, end = np.cumsum([0, *sizes]).tolist()
        self._bases = np.array(bases, np.int64)
        self._slots = np.zeros((end, _BUCKET), np.uint64)  # hashes
        self._ids = np.zeros(self._slots.size, np.int32)
        for field, vocabulary in enumerate(vocabularies):
            self._insert(field, vocabulary.values)

    def ids(
        self,
        numbers: Sequence[int | None],
        texts: Sequence[str | None],
        fields: NDArray[np.int64] | slice,
    ) -> Ids:
        """Return the id of each value in the vocabulary of its field.

        Args:
            numbers: None where missing.
            texts: None where missing.
            fields: the number of each number's field, then of each text's, shape (m,); the slice of
                all fields where there is one value of each.
        """
        unknown = None in numbers
        given = [MISSING_INT if v is None else v for v in numbers] if unknown else numbers
        whole = np.array(given, np.int64)
        encoded = [b"" if v is None else v.encode() for v in texts]
        padded = np.array(encoded, self._dtype)
        words = np.zeros((len(whole) + len(padded), len(self._odds)), np.uint64)
        words[: len(whole), 0] = whole.view(np.uint64)
        words[len(whole) :] = _words(padded)
        ids, undecided = self._look(_hash(words, self._odds), fields)
        if unknown:
            ids[: len(whole)][whole == MISSING_INT] = MISSING
        ids[len(whole) :][padded == b""] = MISSING
        if max(map(len, encoded), default=0) > self._width:
            long = (p for p, text in enumerate(encoded, len(whole)) if len(text) > self._width)
            undecided += long
        for place in undecided:
            text = encoded[place - len(whole) :][:1] if place >= len(whole) else None
            value = whole[place : place + 1] if text is None else np.array(text)
            field = place if isinstance(fields, slice) else fields[place]
            ids[place] = self._vocabularies[field].encode(value)[0]
        return ids

    def _look(self, hashes: Words, fields: NDArray[np.int64] | slice) -> tuple[Ids, list[int]]:
        """Return what the slots say, and which values they leave undecided."""
        buckets = self._buckets(hashes, fields)
        slots = self._slots.take(buckets, axis=0)
        same = slots == hashes[:, None]
        ids = self._ids.take(buckets * _BUCKET + same.argmax(axis=1))
        unmet = (same.view(np.uint64).ravel() == 0).nonzero()[0]  # eight booleans are one number
        if len(unmet) == 0:
            return ids, []
        ids[unmet] = UNSEEN
        undecided: list[int] = unmet[slots[unmet].all(axis=1)].tolist()
        return ids, undecided

    def _buckets(self, hashes: Words, fields: NDArray[np.int64] | slice) -> NDArray[np.int64]:
        within = (hashes % self._sizes[fields]).view(np.int64)
        buckets: NDArray[np.int64] = within + self._bases[fields]
        return buckets

    def _insert(self, field: int, values: NDArray[np.generic]) -> None:
        """Fill the slots of a field; a value whose bucket is full is left to bisection."""
        if values.dtype.kind == "S":
            words = _words(values.astype(self._dtype))
        else:
            words = np.zeros((len(values), len(self._odds)), np.uint64)
            words[:, 0] = values.astype(np.int64, copy=False).view(np.uint64)
        hashes = _hash(words, self._odds)
        buckets = self._buckets(hashes, np.array([field])) - self._bases[field]
        few = self._sizes[field] <= 2**16
        order = buckets.astype(np.uint16 if few else np.int64).argsort(kind="stable")
        ordered = buckets[order]
        within = _places_within(ordered)
        kept = within < _BUCKET
        at = ((self._bases[field] + ordered) * _BUCKET + within)[kept]
        self._slots.ravel()[at] = hashes[order[kept]]
        self._ids[at] = order[kept] + FIRST_KNOWN


def _places_within(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each element among those of its group: 0, 1, ... (groups ascending)."""
    places = np.arange(len(groups))
    starts = np.flatnonzero(groups[1:] != groups[:-1]) + 1
    firsts = np.zeros(len(groups), np.int64)
    firsts[starts] = starts
    return places - np.maximum.accumulate(firsts)


def _words(texts: NDArray[np.generic]) -> Words:
    """View texts, padded to whole words, as numbers: shape (n, words)."""
    return texts.view(np.uint64).reshape(len(texts), texts.dtype.itemsize // _WORD)


def _hash(words: Words, odds: Words) -> Words:
    """Hash each row, never to 0; rows that differ in one word alone have different hashes."""
    hashes: Words = _mixed(words) @ odds
    return np.maximum(hashes, _ONE, out=hashes)


def _mixed(words: Words) -> Words:
    """Mix the bits of each word: the finalizer of SplitMix64 (Steele et al., 2014)."""
    mixed = words ^ (words >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed
