import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clickthrough.errors import DataError
from clickthrough.training.distributed.group import ALONE, gathered_rows, led_text
from clickthrough.training.distributed.join import group_of_process, joined, size_of_environment
from clickthrough.training.distributed.opening import check_agreement
from clickthrough.training.distributed.state import led_state
from tests.training.distributed.test_share import Pretended


def test_a_process_alone_tells_itself() -> None:
    values = torch.tensor([1.0, 2.0])
    ALONE.add(values)
    ALONE.lead(values)
    ALONE.wait()
    assert values.tolist() == [1.0, 2.0]
    assert [v.tolist() for v in ALONE.gathered(values)] == [[1.0, 2.0]]
    assert gathered_rows(ALONE, values) is values
    assert led_text(ALONE, "é") == "é"
    assert led_state(ALONE, None) is None
    assert copy.deepcopy(ALONE) is ALONE


@pytest.mark.parametrize(
    ("names", "size"),
    [({}, 1), ({"WORLD_SIZE": "4"}, 1), ({"RANK": "1", "WORLD_SIZE": "4"}, 4)],
)
def test_torchrun_says_how_many_there_are(
    names: dict[str, str], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert size_of_environment() == size


def test_without_torchrun_there_is_nothing_to_join() -> None:
    with joined() as leads:
        assert leads
        assert group_of_process() is ALONE


class Differing(Pretended):
    """Three processes, of which the last one has something else."""

    def gathered(self, values: torch.Tensor) -> list[torch.Tensor]:
        return [values, values, values + 1]


def test_processes_that_read_other_logs_are_told() -> None:
    check_agreement(ALONE, {"rows": [1]})
    with pytest.raises(DataError, match="process 2 of 3 has other rows than process 0"):
        check_agreement(Differing(0, 3), {"rows": [1, 2]})


class Padded(Pretended):
    """Two processes: the other one has what it was given, all else is padding."""

    def __init__(self, other: torch.Tensor) -> None:
        super().__init__(0, 2)
        self.other, self.counts = other, True

    def gathered(self, values: torch.Tensor) -> list[torch.Tensor]:
        if self.counts:
            self.counts = False
            return [values, torch.tensor(len(self.other))]
        padding = torch.full((len(values) - len(self.other), 2), torch.nan)
        return [values, torch.cat([self.other, padding])]


@settings(deadline=None)
@given(own=st.integers(0, 5), others=st.integers(0, 5))
def test_rows_of_any_number_are_gathered_in_order(own: int, others: int) -> None:
    mine, other = torch.rand(own, 2), torch.rand(others, 2)
    torch.testing.assert_close(gathered_rows(Padded(other), mine), torch.cat([mine, other]))
