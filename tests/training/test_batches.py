import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.training.batches import request_batches, row_batches

sizes = st.lists(st.integers(1, 9), min_size=1, max_size=40)


@given(count=st.integers(1, 50), size=st.integers(1, 20), seed=st.integers(0, 2**32))
def test_row_batches_hold_every_row_once(count: int, size: int, seed: int) -> None:
    made = list(row_batches(count, size, np.random.default_rng(seed)))
    rows = np.concatenate([batch.rows.numpy() for batch in made])
    assert sorted(rows.tolist()) == list(range(count))
    assert all(len(batch) == size for batch in made[:-1])


@given(sizes=sizes, size=st.integers(1, 20), seed=st.integers(0, 2**32))
def test_request_batches_hold_every_request_once_and_whole(
    sizes: list[int], size: int, seed: int
) -> None:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    seen = []
    for batch in request_batches(offsets, size, np.random.default_rng(seed)):
        assert batch.request is not None
        rows, request = batch.rows.numpy(), batch.request.numpy()
        assert len(rows) <= size or request[-1] == 0
        for number in range(request[-1] + 1):
            own = rows[request == number]
            place = int(np.searchsorted(offsets, own[0], side="right")) - 1
            assert own.tolist() == list(range(offsets[place], offsets[place + 1]))
            seen.append(place)
    assert sorted(seen) == list(range(len(sizes)))


def test_another_seed_is_another_order() -> None:
    offsets = np.arange(0, 101, 2)
    one, other = (
        [b.rows.tolist() for b in request_batches(offsets, 10, np.random.default_rng(seed))]
        for seed in (1, 2)
    )
    assert one != other
