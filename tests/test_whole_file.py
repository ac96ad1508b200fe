import os
from pathlib import Path

import pytest

from clickthrough.errors import ClickthroughError
from clickthrough.whole_file import write_whole


def test_a_file_is_replaced_and_nothing_is_left_beside(tmp_path: Path) -> None:
    for text in ("one", "zwei ü"):
        write_whole(tmp_path / "figures.json", text)
        assert (tmp_path / "figures.json").read_text(encoding="utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]


def test_what_fails_half_way_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "figures.json"
    write_whole(path, "old")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:3])
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ClickthroughError, match=r"figures\.json: cannot be written: no space left"):
        write_whole(path, "new and long")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["figures.json"]


def test_a_link_goes_on_leading_where_it_led(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    write_whole(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "file").read_text() == "text"


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ClickthroughError, match="cannot be written"):
        write_whole(tmp_path / "absent" / "file", "text")
    with pytest.raises(ClickthroughError, match="cannot be written"):
        write_whole(tmp_path, "text")


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, "text")
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
