"""Decayed sums of many keys at once are those of each key, step by step."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.features.history.decays import decayed_sums

GAPS = st.lists(st.integers(1, 5) | st.integers(1, 10**7), min_size=1, max_size=300)


@given(keys=st.lists(GAPS, min_size=1, max_size=5), half_life=st.sampled_from([0.5, 3.0, 1e5]))
def test_sums_decay_from_step_to_step(keys: list[list[int]], half_life: float) -> None:
    ticks = [np.cumsum(gaps) for gaps in keys]
    starts = np.cumsum([0, *map(len, ticks)])[:-1]
    numbers = np.arange(1.0, sum(map(len, ticks)) + 1)
    counts = numbers.astype(np.complex128) * np.complex128(1 + 2j)
    found = decayed_sums(counts, np.concatenate(ticks), starts, half_life)
    expected = []
    for start, own in zip(starts, ticks, strict=True):
        total, last = 0.0, int(own[0])
        for place, tick in enumerate(own.tolist()):
            total = total * 2.0 ** (-(tick - last) / half_life) + counts[start + place].real
            expected.append(total)
            last = tick
    np.testing.assert_allclose(found.real, expected, rtol=1e-12)
    np.testing.assert_array_equal(found.imag, 2 * found.real)


def test_nothing_overflows_however_long_the_log() -> None:
    ticks = np.array([0, 10**12, 2 * 10**12])
    found = decayed_sums(np.full(3, 1 + 1j), ticks, np.array([0]), 0.5)
    assert found.tolist() == [1 + 1j] * 3
