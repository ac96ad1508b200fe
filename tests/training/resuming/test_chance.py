import torch

from clickthrough.config.training import Training
from clickthrough.features.encoding.vocabulary import UNSEEN
from clickthrough.training.distributed.group import ALONE, Group
from clickthrough.training.distributed.share import Share
from clickthrough.training.resuming.chance import chance_of, restore_chance, seed_process
from clickthrough.training.rows.unseen import Unseen
from tests.training.distributed.test_share import Pretended

CPU = torch.device("cpu")


def drawn_after(group: Group, state: dict[str, torch.Tensor]) -> tuple[list[float], list[float]]:
    """Return what a fresh process draws from both generators when it has gone on from a state."""
    seed_process(1, group)
    shared = torch.Generator().manual_seed(2)
    restore_chance(state, CPU, shared, group)
    return torch.rand(3).tolist(), torch.rand(3, generator=shared).tolist()


def test_generators_go_on_where_they_were() -> None:
    seed_process(7, ALONE)
    shared = torch.Generator().manual_seed(7)
    torch.rand(5)
    torch.rand(9, generator=shared)
    state = chance_of(CPU, shared, ALONE)
    expected = torch.rand(3).tolist(), torch.rand(3, generator=shared).tolist()
    assert drawn_after(ALONE, state) == expected


def test_a_process_that_was_not_there_keeps_its_own() -> None:
    state = chance_of(CPU, torch.Generator().manual_seed(7), ALONE)
    own, shared = drawn_after(Pretended(2, 3), state)
    first, same = drawn_after(ALONE, state)
    assert shared == same
    assert own != first


def test_states_of_another_device_are_left() -> None:
    state = {"shared": torch.zeros(16).byte(), "own": torch.zeros(1, 16).byte()}
    assert drawn_after(ALONE, state)[0] == torch.rand(3, generator=seeded(1)).tolist()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_share_of_a_batch_is_masked_as_the_whole_is() -> None:
    ids = torch.full((100, 4), 9)
    settings = Training(unseen_share=0.3)
    whole = Unseen(settings, CPU).replaced(ids, Share(0, 100, 100))
    parts = [
        Unseen(settings, CPU).replaced(ids[first:last], Share(first, last, 100))
        for first, last in ((0, 37), (37, 37), (37, 100))
    ]
    assert torch.equal(torch.cat(parts), whole)
    assert 0.2 < float((whole == UNSEEN).float().mean()) < 0.4
    assert set(whole.flatten().tolist()) == {UNSEEN, 9}
