"""How hidden numbers read in the tables: ids, hexadecimal texts, places, platforms."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clickthrough.data.simulator.chance import Ints, Words, hashed, public_ids, uniform
from clickthrough.data.simulator.places import PLACES

LARGEST = {
    "ad_id": 573_098,
    "campaign_id": 35_554,
    "advertiser_id": 4_532,
    "document_id": 2_999_334,
}
"""The largest id of each kind in the published tables; theirs have gaps, so have ours."""
UNKNOWN_PLATFORM = 2e-7
"""The real events hold five ``\\N`` among 23,120,126."""
_UNKNOWN, _ENTITY = 200, 201
_HEX4 = pl.Series([f"{number:04x}" for number in range(2**16)])
_HEX2 = pl.Series([f"{number:02x}" for number in range(2**8)])
_PLACES = pl.Series(PLACES)
_PLATFORMS = pl.Series(["1", "2", "3", "\\N"])


def ids(kind: str, numbers: NDArray[np.integer]) -> Ints:
    """Return the ids by which the tables name things counted from 0."""
    return public_ids(numbers, LARGEST[kind])


def uuids(words: Words) -> pl.Series:
    """Return 14 hexadecimal digits for each number of 56 bits."""
    parts = [_hex4(words >> np.uint64(shift)) for shift in (40, 24, 8)]
    last = _HEX2.gather((words & np.uint64(0xFF)).astype(np.uint32))
    return _joined([*parts, last])


def entities(numbers: Ints) -> pl.Series:
    """Return 32 hexadecimal digits for each entity."""
    halves = (hashed(numbers, 0, _ENTITY), hashed(numbers, 1, _ENTITY))
    return _joined([_hex4(half >> np.uint64(s)) for half in halves for s in (48, 32, 16, 0)])


def places(numbers: Ints) -> pl.Series:
    """Return ``US>CA>807`` and the like."""
    return _PLACES.gather(numbers.astype(np.uint32))


def platforms(numbers: Ints, displays: Ints, seed: int) -> pl.Series:
    """Return 1, 2, 3, and the null of the published table for a few displays."""
    unknown = uniform(displays, seed, _UNKNOWN) < UNKNOWN_PLATFORM
    return _PLATFORMS.gather(np.where(unknown, 3, numbers).astype(np.uint32))


def _hex4(words: Words) -> pl.Series:
    return _HEX4.gather((words & np.uint64(0xFFFF)).astype(np.uint32))


def _joined(parts: list[pl.Series]) -> pl.Series:
    frame = pl.DataFrame({str(place): part for place, part in enumerate(parts)})
    return frame.select(pl.concat_str(pl.all())).to_series()
