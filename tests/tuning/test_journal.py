"""The journal of a study."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from optuna import load_study
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from clickthrough.tuning.journal import JournalFile, cut_torn_line
from clickthrough.tuning.storage import JOURNAL, open_study


@pytest.mark.parametrize(
    ("held", "left"),
    [
        (b"", b""),
        (b'{"a":1}\n', b'{"a":1}\n'),
        (b'{"a":1}\n{"b', b'{"a":1}\n'),
        (b'{"a', b""),
        (b"x" * 70_000 + b"\n" + b"y" * 140_000, b"x" * 70_000 + b"\n"),
        (b"y" * 140_000, b""),
    ],
)
def test_what_has_no_end_is_cut(held: bytes, left: bytes) -> None:
    file = BytesIO(held)
    cut_torn_line(file)
    assert file.getvalue() == left
    assert file.tell() == len(left)


def test_a_journal_is_read_and_written_after_every_cut(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    JournalFile(path).append_logs([{"n": 0}, {"n": 1}])
    whole = path.read_bytes()
    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        journal = JournalFile(path)
        known = [log["n"] for log in journal.read_logs(0)]
        journal.append_logs([{"n": "new"}])
        assert [log["n"] for log in journal.read_logs(0)] == [*known, "new"]
        assert [json.loads(line)["n"] for line in path.read_text().splitlines()] == [*known, "new"]


def test_plain_optuna_opens_the_study(tmp_path: Path) -> None:
    study, _ = open_study(tmp_path / "study", None, ["minimize"], {"log": "a"})
    study.tell(study.ask(), 0.5)
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "study" / JOURNAL)))
    assert load_study(storage=storage, study_name="study").best_value == 0.5
