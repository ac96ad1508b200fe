"""All chance, from one seed: generators by part and block, and hashes of numbers.

A block of displays has a generator of its own, so the log does not depend on how many blocks are
computed at a time. What must be the same wherever a user or document is met again (tastes,
places, texts) is a hash of its number, so nothing about users is kept in memory.
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]


class Part(IntEnum):
    """What a generator is for; each has a stream of its own."""

    CATALOGUE = 0
    DOCUMENTS = 1
    QUALITY = 2
    EFFECTS = 3
    EXPOSURE = 4
    DISPLAYS = 5
    CLICKS = 6
    VIEWS = 7
    TEXTS = 8


def generator(seed: int, part: Part, block: int = 0) -> np.random.Generator:
    """Return the generator of a part and block."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(part, block)))


def hashed(numbers: NDArray[np.integer], seed: int, salt: int) -> Words:
    """Return 64 mixed bits of each number (splitmix64: Steele, Lea and Flood, 2014)."""
    start = np.uint64((seed * 1_000_003 + salt * 7_919 + 1) & 0xFFFFFFFFFFFFFFFF)
    with np.errstate(over="ignore"):
        bits = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + start * np.uint64(
            0xD1B54A32D192ED03
        )
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Words = bits ^ (bits >> np.uint64(31))
    return mixed


def normalized(weights: NDArray[np.floating] | Sequence[float]) -> Floats:
    """Return shares that sum to 1."""
    shares = np.asarray(weights, np.float64)
    made: Floats = shares / shares.sum()
    return made


def uniform(numbers: NDArray[np.integer], seed: int, salt: int) -> Floats:
    """Return a number in [0, 1) that belongs to each number."""
    return (hashed(numbers, seed, salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def pick(shares: Floats, uniforms: Floats) -> Ints:
    """Return the place among shares (summing to 1) that each uniform number falls into."""
    edges = np.cumsum(shares)[:-1]
    return np.searchsorted(edges, uniforms, side="right")


def public_ids(numbers: NDArray[np.integer], largest: int) -> Ints:
    """Spread numbers below ``largest`` over the ids 1 to ``largest``, each to another."""
    # the multiplier is prime and divides none of the tables' sizes, so this is a bijection
    spread: Ints = numbers.astype(np.int64) * 1_000_003 % largest + 1
    return spread
