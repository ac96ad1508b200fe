"""Room on disk: what is told, what is refused, and of which disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clickthrough import room
from clickthrough.errors import DataError
from clickthrough.room import Need, see_to_room
from clickthrough.steps import reading

GB = 1_000_000_000


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """What is free on every disk."""
    left = [64 * GB]
    monkeypatch.setattr(room, "free", lambda _: left[0])
    yield left


def told(needs: list[Need]) -> list[str]:
    lines = list[str]()
    with reading(lines.append):
        see_to_room(needs, "name another place")
    return lines


def test_much_is_told_in_one_line_with_its_parts(free: list[int], tmp_path: Path) -> None:
    needs = [
        Need("history", 6 * GB, tmp_path),
        Need("encoded rows", 25_200_000_000, tmp_path / "not" / "there"),
        Need("bundle", 0, tmp_path),
    ]
    assert told(needs) == [
        f"{tmp_path}: needs about 31.2 GB (history 6.0 GB, encoded rows 25.2 GB) of disk; "
        "64.0 GB are free"
    ]


def test_little_is_not_told(free: list[int], tmp_path: Path) -> None:
    assert told([Need("history", GB - 1, tmp_path)]) == []


def test_what_lacks_room_is_refused_with_what_to_do(free: list[int], tmp_path: Path) -> None:
    free[0] = 30_000_000
    with pytest.raises(DataError) as refused:
        see_to_room([Need("history", 31_000_000, tmp_path)], "name another place")
    assert str(refused.value) == (
        f"{tmp_path}: needs about 31.0 MB (history) of disk; 30.0 MB are free; name another place"
    )
    assert told([Need("history", 30_000_000, tmp_path)]) == []


def test_of_some_megabytes_nothing_is_refused(free: list[int], tmp_path: Path) -> None:
    free[0] = 0
    assert told([Need("history", 3_999_999, tmp_path)]) == []


def test_each_file_system_is_seen_to_by_itself(
    free: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Path("/proc")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("one file system")
    free[0] = 5 * GB
    lines = told([Need("history", 4 * GB, tmp_path), Need("bundle", 3 * GB, other)])
    assert [line.partition(":")[0] for line in lines] == [str(tmp_path), str(other)]
    with pytest.raises(DataError, match=r"needs about 7\.0 GB"):
        told([Need("history", 4 * GB, tmp_path), Need("bundle", 3 * GB, tmp_path)])
