from pathlib import Path
from typing import Any

import pytest

from clickthrough.config import Config
from clickthrough.data.open import open_dataset
from clickthrough.errors import ConfigError
from clickthrough.training.evaluating.scope import Scope, read_scope
from clickthrough.training.run import train
from tests.logs import make_log, make_values, write_log


def scope(folder: Path, counters: dict[str, str], **changed: Any) -> Scope:  # noqa: ANN401
    values = make_values(folder) | {"counters": counters}
    values["features"] = [{"kind": "categorical", "fields": ["item"]}]
    values["data"] |= changed
    config = Config.model_validate(values)
    return read_scope(open_dataset(config.data), config)


def test_a_test_part_within_one_tick_is_noted(tmp_path: Path) -> None:
    write_log(tmp_path, make_log(requests=200))  # ten days, the last two are the test part
    assert scope(tmp_path, {"tick": "10m"}).live_notes == ()
    note = "live counters cannot learn within the test: it spans less than a counters tick of 30d"
    assert scope(tmp_path, {"tick": "30d"}).live_notes == (note,)
    delayed = scope(tmp_path, {"tick": "1h", "label_delay": "3d"}).live_notes
    assert "a counters tick of 1h and the label delay of 3d" in delayed[0]
    assert scope(tmp_path, {"tick": "1h", "label_delay": "1d"}).live_notes == ()


def test_a_log_without_times_has_no_counters_to_speak_of(tmp_path: Path) -> None:
    write_log(tmp_path, make_log(requests=200))
    roles = {"label": "clicked", "request_id": "display_id", "item": "ad"}
    assert scope(tmp_path, {"tick": "10m"}, roles=roles).live_notes == ()


def test_a_log_without_a_test_part_has_an_empty_scope(tmp_path: Path) -> None:
    write_log(tmp_path, make_log(requests=200))
    split = {"validation": 0.2, "test": None}
    found = scope(tmp_path, {"tick": "30d"}, split=split)
    assert found.live_notes == ()
    assert found.slices == {}


def test_a_wrong_slice_is_found_before_the_work(tmp_path: Path) -> None:
    write_log(tmp_path, make_log(requests=50))
    values = make_values(tmp_path) | {"evaluation": {"slices": ["platfrom"]}}
    with pytest.raises(ConfigError, match=r"evaluation.slices: unknown slice 'platfrom'"):
        train(Config.model_validate(values), tmp_path / "bundle")
    assert not list((tmp_path / "cache").glob("*/history"))


def test_the_slices_of_a_configuration_are_read(tmp_path: Path) -> None:
    log = make_log(requests=200)
    write_log(tmp_path, log)
    values = make_values(tmp_path) | {"evaluation": {"slices": ["platform", "day"]}}
    config = Config.model_validate(values)
    found = read_scope(open_dataset(config.data), config)
    assert list(found.slices) == ["platform", "day"]
    rows = log.height - int(log.height * 0.8)
    assert all(len(division.codes) == rows for division in found.slices.values())
