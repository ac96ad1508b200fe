from itertools import pairwise

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from clickthrough.training.distributed.group import Group
from clickthrough.training.distributed.share import Share, share_of
from clickthrough.training.rows.batches import Batch


class Pretended(Group):
    """One of several processes, without the others."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size


def shares(batch: Batch, size: int) -> list[Share]:
    return [share_of(batch, Pretended(rank, size)) for rank in range(size)]


@given(rows=st.integers(0, 70), size=st.integers(1, 9))
def test_every_row_is_in_one_share_and_shares_are_alike(rows: int, size: int) -> None:
    made = shares(Batch(torch.arange(rows)), size)
    places = np.concatenate([np.arange(rows)[share.rows] for share in made])
    assert places.tolist() == list(range(rows))
    counts = [share.last - share.first for share in made]
    assert max(counts) - min(counts) <= 1


@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=20), size=st.integers(1, 5))
def test_requests_stay_whole(sizes: list[int], size: int) -> None:
    request = np.repeat(np.arange(len(sizes)), sizes)
    made = shares(Batch(torch.arange(len(request)), torch.from_numpy(request)), size)
    parts = [request[share.rows] for share in made]
    assert np.concatenate(parts).tolist() == request.tolist()
    for one, other in pairwise(parts):
        assert not set(one) & set(other)
    least = len(request) / size - max(sizes)
    assert all(len(part) >= least for part in parts)
