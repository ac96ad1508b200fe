"""A configuration has the history of what wrote it, and of nothing else."""

import json
from pathlib import Path

import pytest

from clickthrough.training.examining.history import history_of

TRIALS = (
    "trial,state,ece,model.hidden,seconds\n"
    "0,complete,0.5,8,1\n1,fail,,8,1\n2,complete,0.4,8,1\n3,complete,nan,8,1\n"
)
SELECTION = {
    "candidates": 9, "kept": ["a"], "validation": {}, "retained": 1.0,
    "curve": [{"features": 1, "auc": 0.7}, {"features": 2, "auc": 0.8}],
}  # fmt: skip


def written(folder: Path, name: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


@pytest.mark.parametrize("name", ["best.yaml", "front/7.yaml"])
def test_what_tune_wrote_has_its_trials(tmp_path: Path, name: str) -> None:
    (tmp_path / "trials.csv").write_text(TRIALS)
    assert history_of(written(tmp_path, name)) == {
        "tuning": {"metric": "ece", "trials": [[0, 0.5], [2, 0.4]], "lower_is_better": True}
    }


def test_what_select_wrote_has_its_curve(tmp_path: Path) -> None:
    (tmp_path / "selection.json").write_text(json.dumps(SELECTION))
    found = history_of(written(tmp_path, "selected.yaml"))["selection"]
    assert (found["candidates"], found["kept"]) == (9, ["a"])
    assert found["curve"] == SELECTION["curve"]


def test_another_configuration_beside_them_has_none(tmp_path: Path) -> None:
    (tmp_path / "trials.csv").write_text(TRIALS)
    (tmp_path / "selection.json").write_text(json.dumps(SELECTION))
    assert history_of(written(tmp_path, "other.yaml")) == {}
    assert history_of("outbrain") == {}


@pytest.mark.parametrize(
    ("config", "name", "content"),
    [
        ("best.yaml", "trials.csv", "trial,state,é\n".encode("latin1")),
        ("best.yaml", "trials.csv", b"trial,state,auc\nx,complete,y\n"),
        ("best.yaml", "trials.csv", b"a,b\n"),
        ("best.yaml", "trials.csv", b""),
        ("selected.yaml", "selection.json", b"{"),
        ("selected.yaml", "selection.json", b"[]"),
        ("selected.yaml", "selection.json", b'{"kept": 5, "curve": [], "candidates": 1}'),
        ("selected.yaml", "selection.json", b'{"kept": [], "curve": [1], "candidates": 1}'),
    ],
)
def test_what_cannot_be_read_is_left_out(
    tmp_path: Path, config: str, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    assert history_of(written(tmp_path, config)) == {}
